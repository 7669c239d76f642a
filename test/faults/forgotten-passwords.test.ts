import t from 'tap'
import { openTestDatabase, sql } from '../support/database.js'
import { expectSameTime, rounds } from '../support/faults/same-time.js'
import { newPerson } from '../support/http/people.js'
import { openService } from '../support/service.js'

/**
 * Checks that the time of `POST /password/forgot` does not show who has an account. It makes 2,000 tries each with an
 * unknown address, a known one, and one that has had its three mails.
 */
t.setTimeout(600_000)

t.test(
  'forgotten passwords of unknown and known addresses, within the limit and above it, take the same time',
  async (t) => {
    const database = await openTestDatabase(t, { kind: 'embedded' })
    const app = await openService(t, database, { RATE_LIMIT_ENABLED: 'true', MAIL_URL: '' })
    const limited = await newPerson(app)
    const emailOf = (turn: number) => `person-of-turn-${turn}@example.org`
    await sql(
      database,
      `INSERT INTO "user" (id, email, email_key, password_hash)
       SELECT gen_random_uuid(), e.email, e.email, 'none:' FROM unnest($1::text[]) AS e(email)`,
      Array.from({ length: rounds }, (_, turn) => emailOf(turn))
    )
    // Each try has a network of its own, so that the limit of requests is not reached.
    const forgot = (turn: number, kind: number, email: string) => ({
      url: '/password/forgot',
      payload: { email },
      remoteAddress: `10.${kind}.${turn >> 8}.${turn & 255}`
    })
    await expectSameTime(
      t,
      app,
      {
        unknown: (turn) => forgot(turn, 1, `nobody-${turn}@example.org`),
        known: (turn) => forgot(turn, 2, emailOf(turn)),
        limited: (turn) => forgot(turn, 3, limited.email)
      },
      202
    )
  }
)
