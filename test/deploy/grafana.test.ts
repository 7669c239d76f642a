import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { testFolder } from '../support/database.js'
import { exportedMetrics, faultsOf } from '../support/http/metrics.js'
import { expectAccepted } from '../support/promtool.js'

const Target = Type.Object({ refId: Type.String(), expr: Type.String(), legendFormat: Type.String() })
const Panel = Type.Object({
  id: Type.Integer(),
  type: Type.String(),
  title: Type.String(),
  gridPos: Type.Object({ x: Type.Integer(), y: Type.Integer(), w: Type.Integer(), h: Type.Integer() }),
  targets: Type.Optional(Type.Array(Target))
})
const Dashboard = Type.Object({
  title: Type.String(),
  schemaVersion: Type.Integer(),
  templating: Type.Object({ list: Type.Array(Type.Object({ name: Type.String(), query: Type.Unknown() })) }),
  panels: Type.Array(Panel)
})

const file = new URL('../../../deploy/grafana/latchkey.json', import.meta.url)
const { panels, templating } = Value.Parse(Dashboard, JSON.parse(await readFile(file, 'utf8')))
const targets = panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })))

t.test('every expression of the dashboard names only metrics and labels that the service has', async (t) => {
  const metrics = await exportedMetrics(t)
  t.ok(targets.length > 20)
  for (const { title, expr } of targets) t.strictSame(faultsOf(expr, metrics), [], title)
  for (const { name, query } of templating.list.filter(({ name }) => name !== 'datasource')) {
    t.strictSame(faultsOf(JSON.stringify(query), metrics), [], name)
  }
})

t.test('every expression is PromQL', async (t) => {
  const rules = targets.map(({ expr }, i) => ({
    record: `panel:${i}`,
    expr: expr.replaceAll('$__rate_interval', '5m')
  }))
  const path = join(await testFolder(t), 'dashboard.yaml')
  // JSON is YAML too.
  await writeFile(path, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  expectAccepted(t, 'check', 'rules', path)
})

t.test('a legend names a label that its expression keeps', async (t) => {
  for (const { title, expr, legendFormat } of targets) {
    const kept = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(/,\s*/) ?? ['instance']
    for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) t.ok(kept.includes(label), title)
  }
})

t.test('panels have ids of their own and do not overlap', async (t) => {
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const taken = new Set<string>()
  for (const { title, gridPos } of panels) {
    t.ok(gridPos.x + gridPos.w <= 24, title)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        if (taken.has(`${x} ${y}`)) t.fail(`${title} lies on another panel`)
        taken.add(`${x} ${y}`)
      }
    }
  }
})
