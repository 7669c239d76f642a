import t from 'tap'
import { serverUrl, testSchema } from '../support/database.js'
import { runFanOut } from '../support/faults/fan-out.js'
import { startFleet } from '../support/faults/fleet.js'
import { processTestMilliseconds } from '../support/processes/process.js'

/** The short form of bench/revocation-fan-out.ts: it checks what is refused, not how fast. */

t.setTimeout(processTestMilliseconds)

const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'
const seed = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
t.comment(`FAULT_SEED=${seed}`)

t.test(
  'a session ended at either instance is refused by both instances and both verifiers, also after a network cut',
  { skip },
  async (t) => {
    const fleet = await startFleet(t, await testSchema(t), { redisUrl: process.env.TEST_REDIS_URL })
    const options = { seed, sessions: 40, perSecond: 10, honest: 2, cutSeconds: 1.5 }
    const { ended, endedDuringCut, times, honest } = await runFanOut(fleet, options)
    t.equal(ended.owner + ended.admin + ended.logout, 40)
    t.ok(endedDuringCut > 0)
    t.equal(times.length, 40, 'all four processes refused each session')
    t.strictSame(honest.wrong, [], 'no other session is refused')
    t.ok(honest.served > 0)
  }
)
