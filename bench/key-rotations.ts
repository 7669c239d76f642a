import { serverUrl, testSchema } from '../test/support/database.js'
import { startFleet } from '../test/support/faults/fleet.js'
import { runKeyRotations } from '../test/support/faults/key-rotations.js'

/**
 * Rotates the signing key ten times under load. Two instances share the PostgreSQL server of TEST_DATABASE_URL, and two
 * services run a verifier. A new key signs 3 s after it is published, in place of 6 minutes. Then all keys except a new
 * one are withdrawn (`revoke_old`), and the benchmark prints how long any of the four still accepts them.
 *
 *   node build/bench/key-rotations.js [rotations]
 */
const rotations = Number(process.argv[2] ?? 10)
if (serverUrl === undefined) throw new Error('Set TEST_DATABASE_URL.')

const endings: (() => unknown)[] = []
try {
  const t = { teardown: (end: () => unknown) => void endings.unshift(end) }
  const fleet = await startFleet(t, await testSchema(t), { keyLeadSeconds: 3 })
  const { honest, keys, refusedEarly, forgeries, times, acceptedAfterRefresh } = await runKeyRotations(fleet, {
    rotations,
    honest: 6
  })
  console.log(`${rotations} rotations, ${keys} keys signed tokens
  honest requests: ${honest.served} served, ${honest.wrong.length} failed${honest.wrong.map((what) => `\n    ${what}`).join('')}
  tokens of older keys refused too early: ${refusedEarly.length}
  forged tokens accepted: ${forgeries.length}${forgeries.map((what) => `\n    ${what}`).join('')}
  withdrawn keys: the last of the four refused after ${times.map((time) => time.toFixed(0)).join(', ')} ms
  sessions ${acceptedAfterRefresh ? 'continued after a refresh' : 'DID NOT CONTINUE'}`)
} finally {
  for (const end of endings) await end()
}
