import type { Test } from 'tap'
import { openTestDatabase } from '../database.js'
import { openService } from '../service.js'
import { newPerson } from './people.js'

/** A metric of GET /metrics. */
export interface ExportedMetric {
  readonly type: string
  /** In the order of its samples; without the `le` and `quantile` that belong to its type. */
  readonly labels: readonly string[]
}

/** The metrics of a service that has every optional part, by name. A histogram is one metric. */
export async function exportedMetrics(t: Test): Promise<ReadonlyMap<string, ExportedMetric>> {
  const settings = { KEY_ROTATION_DAYS: '90', REDIS_URL: 'redis://127.0.0.1:1' }
  const hook = { kind: 'onUserCreated', name: 'onUserCreated', run: () => undefined } as const
  const app = await openService(t, await openTestDatabase(t, { kind: 'embedded' }), settings, undefined, [hook])
  await newPerson(app)
  const { body } = await app.inject('/metrics')
  const types = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  return new Map(types.map(([, name = '', type = '']) => [name, { type, labels: labelsOf(body, name) }]))
}

function labelsOf(text: string, metric: string): readonly string[] {
  const samples = text.matchAll(new RegExp(`^${metric}(?:_bucket|_sum|_count)?\\{(.*)\\} `, 'gm'))
  const names = [...samples].flatMap(([, labels = '']) => [...labels.matchAll(/(\w+)="/g)].map(([, name = '']) => name))
  return [...new Set(names)].filter((name) => name !== 'le' && name !== 'quantile')
}

/**
 * What is wrong with the metrics and labels that a PromQL expression names: each must exist, with the type's own suffix.
 * Prometheus itself adds `job` and `instance`.
 */
export function faultsOf(expression: string, metrics: ReadonlyMap<string, ExportedMetric>): readonly string[] {
  const faults: string[] = []
  const known = new Set(['job', 'instance', 'le'])
  const used = [...expression.matchAll(/\b((?:latchkey|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)]
  if (used.length === 0) faults.push('it names no metric')
  for (const [, name = '', matchers = ''] of used) {
    const metric = metrics.get(name) ?? histogramOf(name, metrics)
    if (metric === undefined) faults.push(`there is no ${name}`)
    const labels = ['job', 'instance', ...(metric?.labels ?? [])]
    for (const label of labels) known.add(label)
    const unknown = [...matchers.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => label)
    faults.push(...unknown.filter((label) => !labels.includes(label)).map((label) => `${name} has no label ${label}`))
  }
  const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(/,\s*/))
  faults.push(...grouped.filter((label) => !known.has(label)).map((label) => `nothing has the label ${label}`))
  return faults
}

function histogramOf(name: string, metrics: ReadonlyMap<string, ExportedMetric>): ExportedMetric | undefined {
  const metric = metrics.get(name.replace(/_(bucket|sum|count)$/, ''))
  return metric?.type === 'histogram' ? metric : undefined
}
