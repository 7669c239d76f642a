import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { parse } from 'yaml'
import { exportedMetrics, faultsOf } from '../support/http/metrics.js'
import { expectAccepted } from '../support/promtool.js'

const pathOf = (name: string) => fileURLToPath(new URL(`../../../deploy/prometheus/${name}`, import.meta.url))
const rulesFile = pathOf('latchkey.rules.yaml')
const testFiles = ['latchkey.rules.test.yaml', 'latchkey.week.test.yaml'].map(pathOf)

const Rules = Type.Object({
  groups: Type.Array(
    Type.Object({
      rules: Type.Array(
        Type.Object({
          alert: Type.String(),
          expr: Type.String(),
          labels: Type.Object({ severity: Type.Enum(['critical', 'warning']) }),
          annotations: Type.Object({ summary: Type.String() })
        })
      )
    })
  )
})
const Tests = Type.Object({
  tests: Type.Array(
    Type.Object({
      alert_rule_test: Type.Array(Type.Object({ alertname: Type.String(), exp_alerts: Type.Array(Type.Unknown()) }))
    })
  )
})

const { groups } = Value.Parse(Rules, parse(await readFile(rulesFile, 'utf8')))
const rules = groups.flatMap((group) => group.rules)

t.test('promtool accepts the alerts, and their tests pass', async (t) => {
  expectAccepted(t, 'check', 'rules', rulesFile)
  expectAccepted(t, 'test', 'rules', ...testFiles)
})

t.test('every alert is tested where it fires and where it does not', async (t) => {
  const read = async (file: string) => Value.Parse(Tests, parse(await readFile(file, 'utf8'))).tests
  const tests = (await Promise.all(testFiles.map(read))).flat()
  const cases = tests.flatMap((test) => test.alert_rule_test)
  for (const { alert } of rules) {
    const expected = cases.filter(({ alertname }) => alertname === alert).map(({ exp_alerts }) => exp_alerts.length > 0)
    t.ok(expected.includes(true) && expected.includes(false), alert)
  }
})

t.test('the alerts name only metrics and labels that the service has', async (t) => {
  const metrics = await exportedMetrics(t)
  t.ok(rules.length > 10)
  for (const { alert, expr } of rules) t.strictSame(faultsOf(expr, metrics), [], alert)
})

t.test('docs/watching.md explains every alert, and no other', async (t) => {
  const page = await readFile(new URL('../../../docs/watching.md', import.meta.url), 'utf8')
  const explained = [...page.matchAll(/^\| `(Latchkey\w+)` \|/gm)].map(([, name]) => name)
  t.strictSame(
    explained,
    rules.map(({ alert }) => alert)
  )
})
