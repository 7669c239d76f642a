import t from 'tap'
import { cannotRunDatabase, emptyDatabase } from '../support/faults/empty-database.js'
import { runFanOut } from '../support/faults/fan-out.js'
import { startFleet } from '../support/faults/fleet.js'
import { processTestMilliseconds } from '../support/processes/process.js'

/** Cuts as long as in bench/revocation-fan-out.ts. Checks that every guard refuses, not how fast. */

t.setTimeout(processTestMilliseconds)

const seed = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
t.comment(`FAULT_SEED=${seed}`)
const options = { seed, sessions: 200, perSecond: 10, honest: 4 }

t.test(
  'guards that are cut off for ten seconds accept tokens meanwhile, and refuse all ended sessions afterwards',
  { skip: cannotRunDatabase },
  async (t) => {
    const fleet = await startFleet(t, await emptyDatabase(t))
    const { endedDuringCut, times, honest } = await runFanOut(fleet, { ...options, cutSeconds: 10 })
    t.ok(endedDuringCut > 0)
    t.equal(times.length, options.sessions, 'all four guards refused each session')
    t.strictSame(honest.wrong, [])
    for (const [name, last] of Object.entries(honest.lastAcceptedDuringCut))
      t.ok(last, `${name} accepts tokens during the cut`)
  }
)

t.test(
  'with FEED_STALE=deny guards that are cut off accept no token until the cut is over',
  { skip: cannotRunDatabase },
  async (t) => {
    const fleet = await startFleet(t, await emptyDatabase(t), { feedStale: 'deny' })
    const cutSeconds = 30
    const { times, honest } = await runFanOut(fleet, { ...options, cutSeconds })
    t.equal(times.length, options.sessions, 'all four guards refused each session')
    t.strictSame(honest.wrong, [], 'they answer 503, and refuse nobody')
    t.ok(honest.unavailable > 0)
    for (const [name, last] of Object.entries(honest.lastAcceptedDuringCut))
      t.ok(last !== null && last < cutSeconds - 5, `${name} last accepted a token after ${last} s`)
  }
)
