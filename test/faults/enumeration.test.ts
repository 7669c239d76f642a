import t from 'tap'
import { openTestDatabase, sql } from '../support/database.js'
import { expectSameTime, rounds } from '../support/faults/same-time.js'
import { newPerson } from '../support/http/people.js'
import { goodPassword, openService } from '../support/service.js'

/**
 * Checks that the time of a refused login does not show who has an account. It makes 2,000 tries each with an unknown
 * e-mail, a known e-mail with a wrong password, and a disabled user with the right password. The cost of a hash is the
 * lowest, so that other differences show most.
 */
t.setTimeout(600_000)

t.test('refused logins of unknown, known and disabled users take the same time', async (t) => {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const app = await openService(t, database)
  const known = await newPerson(app)
  const disabled = await newPerson(app)
  await sql(database, 'UPDATE "user" SET disabled_at = now() WHERE email_key = $1', disabled.email)

  const login = (email: string, password: string) => ({ url: '/login', payload: { email, password } })
  await expectSameTime(
    t,
    app,
    {
      unknown: (turn) => login(`nobody-${turn}@example.org`, 'not the right password'),
      known: () => login(known.email, 'not the right password'),
      disabled: () => login(disabled.email, goodPassword)
    },
    401
  )
})

t.test(
  'registrations of new, unconfirmed and taken addresses, with EMAIL_VERIFICATION=required, take the same time',
  async (t) => {
    const database = await openTestDatabase(t, { kind: 'embedded' })
    const app = await openService(t, database, {
      MAIL_URL: 'smtp://127.0.0.1:1',
      MAIL_FROM: 'Latchkey <no-reply@auth.test>',
      EMAIL_VERIFICATION: 'required'
    })
    for (const [name, awaits] of [
      ['taken', false],
      ['waiting', true]
    ] as const) {
      await sql(
        database,
        `INSERT INTO "user" (id, email, email_key, password_hash, awaits_confirmation)
       SELECT gen_random_uuid(), e.email, e.email, 'none:', $2 FROM unnest($1::text[]) AS e(email)`,
        Array.from({ length: rounds }, (_, turn) => `${name}-${turn}@example.org`),
        awaits
      )
    }
    const register = (kind: string) => (turn: number) => ({
      url: '/register',
      payload: { email: `${kind}-${turn}@example.org`, password: goodPassword }
    })
    await expectSameTime(
      t,
      app,
      { new: register('new'), taken: register('taken'), unconfirmed: register('waiting') },
      202
    )
  }
)
