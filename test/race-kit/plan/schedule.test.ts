import t from 'tap'
import { faults } from '../../../src/race-kit/plan/deliveries.js'
import {
  clientKindNames,
  clientKinds,
  mayLoseResponses,
  scenarios,
  thiefKindNames,
  timeoutShare
} from '../../../src/race-kit/plan/kinds.js'
import { type ClientPlan, drawSchedule } from '../../../src/race-kit/plan/schedule.js'

const urls = ['http://a.test', 'http://b.test'] as const
const options = { urls, seed: 7, clients: 60, seconds: 30, graceSeconds: 2 }
const deliveriesOf = (plans: readonly ClientPlan[]) =>
  plans.flatMap(({ opening, steps }) =>
    [...opening, ...steps].flatMap((action) => ('attempts' in action ? action.attempts : []))
  )

t.test('the same seed gives the same schedule, and another seed a different one', async (t) => {
  // Compare as text: tap needs minutes to format the difference of two such trees.
  const drawn = (seed: number) => JSON.stringify(drawSchedule({ ...options, seed }))
  const first = drawn(7)
  t.ok(first === drawn(7))
  t.notOk(first === drawn(8))
})

t.test('28 sessions have every kind of client in every scenario, and every kind of thief', async (t) => {
  const plans = drawSchedule({ ...options, clients: 28 })
  t.equal(
    new Set(plans.map(({ kind, scenario }) => `${kind} ${scenario}`)).size,
    clientKindNames.length * new Set(scenarios).size
  )
  t.strictSame(new Set(plans.flatMap(({ thief }) => thief?.kind ?? [])), new Set(thiefKindNames))
  t.ok(plans.every(({ scenario, thief }) => (scenario === 'theft') === (thief !== undefined)))
})

t.test('the clients of the thieves whose opening tries the key send one', async (t) => {
  const plans = drawSchedule({ ...options, clients: 48 })
  for (const needed of ['window', 'own_key', 'token', 'storage'] as const) {
    const kinds = plans.flatMap(({ kind, thief }) => (thief?.kind === needed ? [kind] : []))
    t.ok(kinds.length > 0 && kinds.every((kind) => clientKinds[kind].keys !== 'none'), needed)
  }
})

t.test('every fault and instance occurs', async (t) => {
  const plans = drawSchedule(options)
  t.strictSame(new Set(deliveriesOf(plans).map(({ fault }) => fault)), new Set(faults))
  t.strictSame(new Set(plans.flatMap(({ steps }) => steps.map(({ instance }) => instance))), new Set([0, 1]))
})

t.test('no response is lost to tabs that refresh at once without a shared key', async (t) => {
  const unpromised = drawSchedule(options).filter(({ kind }) => !mayLoseResponses(kind))
  t.strictSame(new Set(unpromised.map(({ kind }) => kind)), new Set(['origins', 'no_key']))
  t.notOk(deliveriesOf(unpromised).some(({ fault }) => fault.endsWith('response') || fault.includes('response_')))
})

t.test('no request is delayed beyond the timeout of its client', async (t) => {
  t.ok(
    deliveriesOf(drawSchedule(options)).every(
      ({ requestDelay, responseDelay }) => requestDelay + responseDelay < options.graceSeconds * 1000 * timeoutShare
    )
  )
})
