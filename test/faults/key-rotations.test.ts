import t from 'tap'
import { serverUrl } from '../database.js'
import { patienceMilliseconds } from '../e2e/process.js'
import { startFleet } from './fleet.js'
import { runKeyRotations } from './key-rotations.js'

/** The short form of bench/key-rotations.ts. */

t.setTimeout(patienceMilliseconds)

const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'

t.test('rotations fail no request, and a withdrawn key is refused by all four', { skip }, async (t) => {
  const fleet = await startFleet(t, { keyLeadSeconds: 2 })
  const { honest, keys, refusedEarly, forged, times, wentOn } = await runKeyRotations(fleet, {
    rotations: 3,
    honest: 4
  })
  t.strictSame(honest.wrong, [])
  t.equal(keys, 4)
  t.strictSame(refusedEarly, [])
  t.strictSame(forged, [])
  t.equal(times.length, 4, 'all four have refused the tokens of each')
  t.ok(wentOn, 'sessions live on')
})
