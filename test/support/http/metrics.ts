/** A metric of GET /metrics. */
export interface ExportedMetric {
  readonly type: string
  /** In the order of its samples; without the `le` and `quantile` that belong to its type. */
  readonly labels: readonly string[]
}

/** The metrics in the text of GET /metrics, by name. A histogram is one metric. */
export function metricsOf(text: string): ReadonlyMap<string, ExportedMetric> {
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  return new Map(types.map(([, name = '', type = '']) => [name, { type, labels: labelsOf(text, name) }]))
}

function labelsOf(text: string, metric: string): readonly string[] {
  const samples = text.matchAll(new RegExp(`^${metric}(?:_bucket|_sum|_count)?\\{(.*)\\} `, 'gm'))
  const names = [...samples].flatMap(([, labels = '']) => [...labels.matchAll(/(\w+)="/g)].map(([, name = '']) => name))
  return [...new Set(names)].filter((name) => name !== 'le' && name !== 'quantile')
}
