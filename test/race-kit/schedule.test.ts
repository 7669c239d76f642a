import t from 'tap'
import { clientKinds, drawSchedule, faults, scenarios } from '../../src/race-kit/schedule.js'

const urls = ['http://a.test', 'http://b.test'] as const
const options = { urls, seed: 7, clients: 60, seconds: 30, graceSeconds: 2 }

t.test('the same seed gives the same schedule, and another seed another one', async (t) => {
  // Compare as text: tap needs minutes to format the difference of two such trees.
  const drawn = (seed: number) => JSON.stringify(drawSchedule({ ...options, seed }))
  const first = drawn(7)
  t.ok(first === drawn(7))
  t.notOk(first === drawn(8))
})

t.test('every kind of client has every scenario, and every fault and instance occurs', async (t) => {
  const plans = drawSchedule(options)
  t.equal(
    new Set(plans.map(({ kind, scenario }) => `${kind} ${scenario}`)).size,
    clientKinds.length * new Set(scenarios).size
  )
  const deliveries = plans.flatMap(({ steps }) => steps.flatMap((step) => (step.do === 'refresh' ? step.attempts : [])))
  t.strictSame(new Set(deliveries.map(({ fault }) => fault)), new Set(faults))
  t.strictSame(new Set(plans.flatMap(({ steps }) => steps.map(({ instance }) => instance))), new Set([0, 1]))
})

t.test('no request is delayed beyond the timeout of its client', async (t) => {
  const deliveries = drawSchedule(options).flatMap(({ steps }) =>
    steps.flatMap((step) => (step.do === 'refresh' ? step.attempts : []))
  )
  t.ok(
    deliveries.every(
      ({ requestDelay, responseDelay }) => requestDelay + responseDelay < (options.graceSeconds * 1000) / 2
    )
  )
})
