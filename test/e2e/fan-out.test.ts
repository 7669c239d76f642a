import t from 'tap'
import { serverUrl, testSchema } from '../support/database.js'
import { runFanOut } from '../support/faults/fan-out.js'
import { startFleet } from '../support/faults/fleet.js'
import { patienceMilliseconds } from '../support/processes/process.js'

/** The short form of bench/revocation-fan-out.ts: who refuses whom, not how fast. */

t.setTimeout(patienceMilliseconds)

const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'
const seed = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
t.comment(`FAULT_SEED=${seed}`)

t.test('what ends at any of two instances is refused by all four, also after a cut', { skip }, async (t) => {
  const fleet = await startFleet(t, await testSchema(t), { redisUrl: process.env.TEST_REDIS_URL })
  const options = { seed, sessions: 40, perSecond: 10, honest: 2, cutSeconds: 1.5 }
  const { ended, endedDuringCut, times, honest } = await runFanOut(fleet, options)
  t.equal(ended.owner + ended.admin + ended.logout, 40)
  t.ok(endedDuringCut > 0)
  t.equal(times.length, 40, 'all four have refused each')
  t.strictSame(honest.wrong, [], 'nobody else is refused')
  t.ok(honest.served > 0)
})
