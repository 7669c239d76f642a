import t from 'tap'
import { faults } from '../../src/race-kit/delivery.js'
import { clientKinds, drawSchedule, scenarios } from '../../src/race-kit/schedule.js'

const options = { seed: 7, clients: 60, seconds: 30, graceSeconds: 2, instances: 2 }

t.test('a seed gives the same schedule again, and another seed another', async (t) => {
  // Compared as text: the difference of two such trees takes minutes to be made readable.
  const drawn = (seed: number) => JSON.stringify(drawSchedule({ ...options, seed }))
  const first = drawn(7)
  t.ok(first === drawn(7))
  t.notOk(first === drawn(8))
})

t.test('every kind of client meets every story, and every fault and instance is there', async (t) => {
  const plans = drawSchedule(options)
  t.equal(
    new Set(plans.map(({ kind, scenario: story }) => `${kind} ${story}`)).size,
    clientKinds.length * new Set(scenarios).size
  )
  const journeys = plans.flatMap(({ steps }) => steps.flatMap((step) => (step.do === 'refresh' ? step.attempts : [])))
  t.strictSame(new Set(journeys.map(({ fault }) => fault)), new Set(faults))
  t.strictSame(new Set(plans.flatMap(({ steps }) => steps.map(({ instance }) => instance))), new Set([0, 1]))
})

t.test('nothing is held longer than its client waits', async (t) => {
  const journeys = drawSchedule(options).flatMap(({ steps }) =>
    steps.flatMap((step) => (step.do === 'refresh' ? step.attempts : []))
  )
  t.ok(journeys.every(({ requestDelay: up, responseDelay: down }) => up + down < (options.graceSeconds * 1000) / 2))
})
