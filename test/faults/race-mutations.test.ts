import t from 'tap'
import { type RaceResult, race } from '../../src/race-kit/index.js'
import { openTestDatabase } from '../support/database.js'
import { brokenProtocols } from '../support/race/mutations.js'
import { listeningService } from '../support/race/racing-service.js'

/** Checks that the race kit finds each broken protocol, by the promise that it breaks. */
t.setTimeout(3_600_000)
// Embedded only: on a server, the database notifies the instance even if the broken protocol does not.
const database = await openTestDatabase(t, { kind: 'embedded', embedded: { waitSeconds: 20 } })
const options = { clients: 48 }
/** On a busy machine few tokens get old enough in a short race: if it finds nothing, a longer one follows. */
const races = [
  { seed: 7, seconds: 6 },
  { seed: 1, seconds: 12 },
  { seed: 3, seconds: 24 }
]

for (const { name, breaks, mutate } of brokenProtocols) {
  t.test(`the race kit fails for a broken protocol: ${name}`, { timeout: 600_000 }, async (t) => {
    const url = await listeningService(t, database, mutate)
    let found: RaceResult | undefined
    for (const { seed, seconds } of races) {
      const result = await race({ ...options, seed, seconds, urls: [url] })
      const { judgements, counts } = result
      t.comment(`${seconds} s: ${counts.refreshes} refreshes, ${counts.excused} sessions too slow to judge`)
      for (const { promise, violations } of judgements) {
        if (violations.length > 0) t.comment(`${promise}: ${violations.length}, such as: ${violations[0]?.what}`)
        if (violations.length > 0 && promise === breaks) found = result
      }
      if (found !== undefined) break
    }
    t.equal(found?.held, false, breaks)
  })
}
