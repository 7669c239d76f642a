import t from 'tap'
import { type RaceResult, race } from '../../src/race-kit/index.js'
import { openTestDatabase } from '../support/database.js'
import { brokenProtocols } from '../support/race/mutations.js'
import { listeningService } from '../support/race/racing-service.js'

/** Checks that the race kit finds each broken protocol, by the promise that it breaks. */
t.setTimeout(3_600_000)
// Embedded only: on a server, the database notifies the instance even if the broken protocol does not.
const database = await openTestDatabase(t, { kind: 'embedded', embedded: { waitSeconds: 20 } })
/** Has every kind of client in every scenario, and every kind of thief. */
const options = { clients: 28, seconds: 6, seed: 7 }
/**
 * What breaks inside the window shows only if the service answers two or three requests within one. A starved machine may
 * need seconds for that: if the race finds nothing, another one with a longer grace follows.
 */
const graces = [2, 6, 18]

for (const { name, breaks, mutate } of brokenProtocols) {
  t.test(`the race kit fails for a broken protocol: ${name}`, { timeout: 900_000 }, async (t) => {
    let found: RaceResult | undefined
    for (const graceSeconds of graces) {
      const url = await listeningService(t, database, { graceSeconds, mutate })
      const result = await race({ ...options, urls: [url] })
      const { judgements, counts } = result
      t.comment(`grace ${graceSeconds} s: ${counts.refreshes} refreshes, ${counts.excused} sessions too slow to judge`)
      for (const { promise, violations } of judgements) {
        if (violations.length > 0) t.comment(`${promise}: ${violations.length}, such as: ${violations[0]?.what}`)
        if (violations.length > 0 && promise === breaks) found = result
      }
      if (found !== undefined) break
    }
    t.equal(found?.held, false, breaks)
  })
}
