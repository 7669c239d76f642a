import t from 'tap'
import { serverUrl } from '../database.js'
import { patienceMilliseconds } from '../e2e/process.js'
import { runFanOut } from './fan-out.js'
import { startFleet } from './fleet.js'

/** The short form of bench/revocation-fan-out.ts: who refuses whom, not how fast. */

t.setTimeout(patienceMilliseconds)

const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'
const seed = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
t.comment(`FAULT_SEED=${seed}`)
const usual = { seed, sessions: 40, perSecond: 10, honest: 4 }

t.test('a session that is ended anywhere is refused everywhere, and nobody else is', { skip }, async (t) => {
  const fleet = await startFleet(t, { redisUrl: process.env.TEST_REDIS_URL })
  const { ended, times, honest } = await runFanOut(fleet, usual)
  t.equal(ended.owner + ended.admin + ended.logout, 40)
  t.equal(times.length, 40, 'all four have refused each')
  t.strictSame(honest.wrong, [])
  t.ok(honest.served > 0)
})

t.test('so it is where the feed was cut meanwhile', { skip }, async (t) => {
  const fleet = await startFleet(t)
  const { endedInTheCut, times, honest } = await runFanOut(fleet, { ...usual, cutSeconds: 2 })
  t.ok(endedInTheCut > 0)
  t.equal(times.length, 40, 'all four have refused each')
  t.strictSame(honest.wrong, [])
  for (const [name, last] of Object.entries(honest.lastAcceptedInTheCut)) t.ok(last, `${name} goes on trusting`)
})
