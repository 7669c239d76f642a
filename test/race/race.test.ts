import t from 'tap'
import { race, raceReport } from '../../src/race-kit/index.js'
import { openTestDatabase, testDatabases } from '../support/database.js'
import { withForcedBatches } from '../support/faults/failpoint.js'
import { listeningService } from '../support/race/racing-service.js'

/** A short race against the real service over sockets. `latchkey race` runs a long one. */
t.setTimeout(300_000)
const graceSeconds = 2
const options = { seconds: 5, seed: 7 }

for (const kind of testDatabases(t)) {
  const instances = kind === 'server' ? 2 : 1
  t.test(`every promise holds with ${instances} instance(s) on the ${kind} database`, async (t) => {
    const database = await openTestDatabase(t, { kind, embedded: { waitSeconds: 20 }, server: { waitSeconds: 20 } })
    const sizes: number[] = []
    const forced = withForcedBatches(database, (size) => sizes.push(size))
    const first = await listeningService(t, forced, { graceSeconds })
    const others = instances === 2 ? [await listeningService(t, database, { graceSeconds })] : []
    const result = await race({ ...options, clients: 28, urls: [first, ...others] })

    t.comment(raceReport(result))
    t.comment(`${sizes.length} statements of the first instance, with up to ${Math.max(...sizes)} refreshes`)
    t.strictSame(
      result.judgements.flatMap(({ violations }) => violations),
      []
    )
    // On a machine so slow that every client times out, the first promise is not tested, and the report says so.
    t.ok(
      result.judgements.every(({ tried }) => tried > 0 || result.counts.excused > 0),
      'every promise was tested'
    )
    t.ok(
      sizes.some((size) => size > 1),
      'refreshes shared statements'
    )
    t.strictSame(result.grace, { seconds: graceSeconds, fromFeatures: true })
    t.ok(result.counts.thievesCaught > 0 && Object.values(result.faults).every((count) => count > 0))
  })
}
