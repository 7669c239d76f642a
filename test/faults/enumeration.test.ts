import { type AddressInfo, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { openTestDatabase, sql } from '../support/database.js'
import { expectSameTime, rounds } from '../support/faults/same-time.js'
import { newEmail, newPerson } from '../support/http/people.js'
import { goodPassword, openService } from '../support/service.js'

/**
 * Checks that the time of a refused login does not show who has an account. It makes 2,000 tries each with an unknown
 * e-mail, a known e-mail with a wrong password, and a disabled user with the right password. The cost of a hash is the
 * lowest, so that other differences show most. The other tests do the same where a registration waits for its confirmation.
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

t.test('with EMAIL_VERIFICATION=required, requests for free and taken addresses take the same time', async (t) => {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const app = await openService(t, database, {
    MAIL_URL: await silentMailServer(t),
    MAIL_FROM: 'Latchkey <no-reply@auth.test>',
    EMAIL_VERIFICATION: 'required'
  })
  const post = (url: string, kind: string, password: string) => (turn: number) => ({
    url,
    payload: { email: `${kind}-${turn}@example.org`, password }
  })
  const registeredHash = await hashOf(goodPassword)
  /** Adds an address for each round: with an account or without one, registered with `goodPassword` or not. */
  async function addAddresses(
    kind: string,
    { account, registered }: { account?: 'used' | 'waiting'; registered: boolean }
  ) {
    const emails = Array.from({ length: rounds }, (_, turn) => `${kind}-${turn}@example.org`)
    const waits = account === 'waiting'
    if (account !== undefined) {
      await sql(
        database,
        `INSERT INTO "user" (id, email, email_key, password_hash, awaits_confirmation)
         SELECT gen_random_uuid(), e.email, e.email, $2, $3 FROM unnest($1::text[]) AS e(email)`,
        emails,
        waits ? registeredHash : await hashOf('the password of the owner'),
        waits
      )
    }
    if (!registered) return
    await sql(
      database,
      `INSERT INTO registration (email_key, password_hash, expires_at)
       SELECT e.email, $2, now() + interval '1 day' FROM unnest($1::text[]) AS e(email)`,
      emails,
      registeredHash
    )
  }
  async function hashOf(password: string) {
    const email = newEmail()
    await app.inject({ method: 'POST', url: '/register', payload: { email, password } })
    const [row] = await sql<{ hash: string }>(
      database,
      'SELECT password_hash AS hash FROM registration WHERE email_key = $1',
      email
    )
    return row?.hash ?? ''
  }

  await addAddresses('taken', { account: 'used', registered: false })
  await addAddresses('waiting', { account: 'waiting', registered: true })
  await addAddresses('mirrored', { account: 'used', registered: true })

  t.test('a first registration', (t) =>
    expectSameTime(
      t,
      app,
      { free: post('/register', 'free', goodPassword), taken: post('/register', 'taken', goodPassword) },
      202
    )
  )
  const registered = (url: string, password: string) => ({
    free: post(url, 'waiting', password),
    taken: post(url, 'mirrored', password)
  })
  t.test('a login with the password of the registration', (t) =>
    expectSameTime(t, app, registered('/login', goodPassword), 403)
  )
  t.test('another registration', (t) => expectSameTime(t, app, registered('/register', 'another good password'), 202))
})

/** A mail server that never answers: the sender waits for it, and takes no time from the requests. */
async function silentMailServer(t: Test): Promise<string> {
  const sockets: Socket[] = []
  const server = createServer((socket) => sockets.push(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`
}
