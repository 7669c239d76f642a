import { readFile } from 'node:fs/promises'
import t from 'tap'
import { exportedMetrics } from './support/http/metrics.js'

/** Compares the metrics of docs/watching.md with what GET /metrics answers. */

const page = await readFile(new URL('../../docs/watching.md', import.meta.url), 'utf8')
const [, table = ''] = /\n## Metrics\n(.*?)\n## /s.exec(page) ?? []

const metrics = await exportedMetrics(t)

t.test('the table of metrics names every metric with its labels, and no other', async (t) => {
  const documented = [...table.matchAll(/^\| (`latchkey_.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([a-z_]+)(?:\{([a-z_,]+)\})?`/g)].map(([, name = '', labels = '']) => `${name}{${labels}}`)
  )
  const exported = [...metrics]
    .filter(([name]) => name.startsWith('latchkey_'))
    .map(([name, { labels }]) => `${name}{${labels.join(',')}}`)
  t.ok(exported.length > 20)
  t.strictSame(documented.toSorted(), exported.toSorted())
})

t.test('the rest of the page names no other metric', async (t) => {
  for (const [name] of page.matchAll(/latchkey_[a-z_]+/g)) t.ok(metrics.has(name), name)
})
