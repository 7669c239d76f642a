import t from 'tap'
import { race, raceReport } from '../../src/race-kit/index.js'
import { openTestDatabase, testDatabases } from '../support/database.js'
import { graceSeconds, listeningService } from '../support/race/racing-service.js'

/** The race kit against the real service, over sockets, in its short form. `latchkey race` is the long one. */
t.setTimeout(150_000)
const form = { seconds: 5, seed: 7, graceSeconds }

for (const kind of testDatabases(t)) {
  const instances = kind === 'server' ? 2 : 1
  t.test(`${instances} instance(s) on the ${kind} database: every promise holds`, async (t) => {
    const database = await openTestDatabase(t, { kind, embedded: { waitSeconds: 20 }, server: { waitSeconds: 20 } })
    const first = await listeningService(t, database)
    const others = instances === 2 ? [await listeningService(t, database)] : []
    const result = await race({ ...form, clients: kind === 'server' ? 24 : 12, urls: [first, ...others] })

    t.comment(raceReport(result))
    t.strictSame(
      result.judgements.flatMap(({ violations }) => violations),
      []
    )
    // A machine that keeps every client waiting puts all but the first promise to the test; the report says so.
    t.ok(
      result.judgements.every(({ tried }) => tried > 0 || result.counts.excused > 0),
      'every promise was put to the test'
    )
    t.ok(result.counts.thievesCaught > 0 && Object.values(result.faults).every((count) => count > 0))
  })
}
