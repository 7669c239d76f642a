import t from 'tap'
import { cannotRunDatabase, emptyDatabase } from '../support/faults/empty-database.js'
import { runFanOut } from '../support/faults/fan-out.js'
import { startFleet } from '../support/faults/fleet.js'
import { processTestMilliseconds } from '../support/processes/process.js'

/** Cuts that last as long as those of bench/revocation-fan-out.ts: who refuses whom, not how fast. */

t.setTimeout(processTestMilliseconds)

const seed = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
t.comment(`FAULT_SEED=${seed}`)
const usual = { seed, sessions: 200, perSecond: 10, honest: 4 }

t.test('cut for ten seconds, both go on trusting, and then know all', { skip: cannotRunDatabase }, async (t) => {
  const fleet = await startFleet(t, await emptyDatabase(t))
  const { endedInTheCut, times, honest } = await runFanOut(fleet, { ...usual, cutSeconds: 10 })
  t.ok(endedInTheCut > 0)
  t.equal(times.length, usual.sessions, 'all four have refused each')
  t.strictSame(honest.wrong, [])
  for (const [name, last] of Object.entries(honest.lastAcceptedInTheCut)) t.ok(last, `${name} goes on trusting`)
})

t.test('with FEED_STALE=deny they trust nobody before the cut is over', { skip: cannotRunDatabase }, async (t) => {
  const fleet = await startFleet(t, await emptyDatabase(t), { feedStale: 'deny' })
  const cutSeconds = 30
  const { times, honest } = await runFanOut(fleet, { ...usual, cutSeconds })
  t.equal(times.length, usual.sessions, 'all four have refused each')
  t.strictSame(honest.wrong, [], 'and refuse nobody: they say that they cannot serve')
  t.ok(honest.announced > 0)
  for (const [name, last] of Object.entries(honest.lastAcceptedInTheCut))
    t.ok(last !== null && last < cutSeconds - 5, `${name} last trusted after ${last} s`)
})
