import t from 'tap'
import { lastHour } from '../../../src/adapters/observability/decisions.js'

const minute = 60_000
const start = 1_700_000_000_000 - (1_700_000_000_000 % minute)

/** The last hour by a clock that the test moves. */
function scripted() {
  const clock = { time: start + 30_000, now: () => clock.time }
  return { clock, hour: lastHour(clock, clock.now) }
}

t.test('an hour without events is sixty minutes of zeros', async (t) => {
  const minutes = scripted().hour.read()
  t.equal(minutes.length, 60)
  t.strictSame(minutes.at(-1), { at: start, logins: 0, refreshes: 0, revocations: 0, reuse: 0 })
  t.equal(minutes[0]?.at, start - 59 * minute)
})

t.test('each event counts in its own minute', async (t) => {
  const { clock, hour } = scripted()
  hour.count('logins')
  hour.count('refreshes')
  hour.count('refreshes')
  clock.time += minute
  hour.count('revocations', 3)
  hour.count('revocations', 0)
  hour.count('reuse')
  t.strictSame(hour.read().slice(-2), [
    { at: start, logins: 1, refreshes: 2, revocations: 0, reuse: 0 },
    { at: start + minute, logins: 0, refreshes: 0, revocations: 3, reuse: 1 }
  ])
})

t.test('counts older than an hour are gone', async (t) => {
  const { clock, hour } = scripted()
  const all = () => hour.read().reduce((sum, { logins }) => sum + logins, 0)
  hour.count('logins')
  clock.time += 59 * minute
  hour.count('logins')
  t.equal(all(), 2)
  t.equal(hour.read()[0]?.logins, 1)
  clock.time += minute
  t.equal(all(), 1)
  hour.count('logins')
  clock.time += 500 * minute
  t.equal(all(), 0)
})
