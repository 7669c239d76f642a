import t from 'tap'
import { cannotRunDatabase, emptyDatabase } from '../support/faults/empty-database.js'
import { startFleet } from '../support/faults/fleet.js'
import { runKeyRotations } from '../support/faults/key-rotations.js'
import { processTestMilliseconds } from '../support/processes/process.js'

/** The short form of bench/key-rotations.ts. */

t.setTimeout(processTestMilliseconds)

t.test(
  'key rotations fail no request, and all four guards refuse a retired key',
  { skip: cannotRunDatabase },
  async (t) => {
    const fleet = await startFleet(t, await emptyDatabase(t), { keyLeadSeconds: 2 })
    const { honest, keys, refusedEarly, forgeries, times, acceptedAfterRefresh } = await runKeyRotations(fleet, {
      rotations: 3,
      honest: 4
    })
    t.strictSame(honest.wrong, [])
    t.equal(keys, 4)
    t.strictSame(refusedEarly, [])
    t.strictSame(forgeries, [])
    t.equal(times.length, 4, 'all four guards refused the tokens of each key')
    t.ok(acceptedAfterRefresh, 'sessions still refresh')
  }
)
