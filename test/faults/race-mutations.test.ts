import t from 'tap'
import { race } from '../../src/race-kit/index.js'
import { openTestDatabase } from '../support/database.js'
import { brokenProtocols } from '../support/race/mutations.js'
import { graceSeconds, listeningService } from '../support/race/racing-service.js'

/** Checks that the race kit finds each broken protocol, by the promise that it breaks. */
t.setTimeout(600_000)
// Embedded only: on a server, the database notifies the instance even if the broken protocol does not.
const database = await openTestDatabase(t, { kind: 'embedded', embedded: { waitSeconds: 20 } })
const options = { clients: 12, seconds: 6, seed: 7, graceSeconds }

for (const { name, breaks, mutate, environment } of brokenProtocols) {
  t.test(`the race kit fails for a broken protocol: ${name}`, { timeout: 60_000 }, async (t) => {
    const url = await listeningService(t, database, mutate, environment)
    const { judgements, counts, held } = await race({ ...options, urls: [url] })
    t.comment(`${counts.refreshes} refreshes, ${counts.excused} sessions too slow to judge`)
    for (const { promise, violations } of judgements) {
      if (violations.length > 0) t.comment(`${promise}: ${violations.length}, such as: ${violations[0]?.what}`)
    }
    t.equal(held, false)
    t.ok(
      judgements.some(({ promise, violations }) => promise === breaks && violations.length > 0),
      breaks
    )
  })
}
