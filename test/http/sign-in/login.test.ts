import t from 'tap'
import { openTestDatabase, sql } from '../../support/database.js'
import { expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { anotherDevice, copyOf, newEmail, newPerson, refreshCookie, sessionCookie } from '../../support/http/people.js'
import { Client, goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database, { MAX_SESSIONS_PER_USER: '3' })

const login = (payload: object, headers = {}) => app.inject({ method: 'POST', url: '/login', payload, headers })

t.test('a login answers 200 with an access token, uncached', async (t) => {
  const { email } = await newPerson(app)
  const response = await login({ email, password: goodPassword })
  const { access_token, session_id, ...rest } = response.json()
  t.equal(response.statusCode, 200)
  t.strictSame(rest, { token_type: 'Bearer', expires_in: 600 })
  t.equal(response.headers['cache-control'], 'no-store')
  const me = await app.inject({ url: '/me', headers: { authorization: `Bearer ${access_token}` } })
  t.match(me.json(), { email, session_id })
})

t.test('every login starts a new session', async (t) => {
  const { client, email } = await newPerson(app)
  const others = await Promise.all([anotherDevice(app, { email }), anotherDevice(app, { email })])
  t.equal(new Set([client, ...others.map((other) => other.client)].map(({ sessionId }) => sessionId)).size, 3)
})

t.test('a login finds the account by another case of its address', async (t) => {
  const { email } = await newPerson(app)
  t.equal((await login({ email: ` ${email.toUpperCase()} `, password: goodPassword })).statusCode, 200)
})

t.test('an unknown e-mail, a wrong password and a disabled user get the same response', async (t) => {
  const { client, email } = await newPerson(app)
  const disabled = await newPerson(app)
  await sql(database, 'UPDATE "user" SET disabled_at = now() WHERE email_key = $1', disabled.email)
  const responses = [
    await login({ email: newEmail(), password: goodPassword }),
    await login({ email, password: 'not the right one' }),
    await login({ email: disabled.email, password: goodPassword }),
    await login({ email, password: '' }),
    await login({ email, password: 'x'.repeat(1025) }),
    await login({ email: 'no address at all', password: goodPassword })
  ]
  for (const response of responses) {
    expectProblem(t, response, 'invalid_credentials')
    t.equal(response.body, responses[0]?.body, 'identical bodies')
    t.strictSame(withoutOwn(response.headers), withoutOwn(responses[0]?.headers), 'identical headers')
  }
  t.equal((await client.send('GET', '/me')).statusCode, 200, 'nobody is signed out')
})

/** Headers without what every response has of its own. */
const withoutOwn = (headers: object | undefined) => ({ ...headers, date: '', 'x-request-id': '' })

t.test('missing members are named', async (t) => {
  expectFieldErrors(t, await login({}), ['email', 'password'])
  expectFieldErrors(t, await login({ email: newEmail(), password: goodPassword, mode: 'token' }), ['mode'])
})

t.test('a login ends the session whose refresh cookie it carries', async (t) => {
  const { client, email } = await newPerson(app)
  const old = copyOf(client)
  await client.signIn(email, { path: '/login' })
  t.not(client.sessionId, old.sessionId)
  expectProblem(t, await old.send('GET', '/me'), 'session_revoked')
  expectProblem(t, await old.send('POST', '/refresh'), 'session_ended', { reason: 'replaced' })
  t.equal((await client.send('GET', '/me')).statusCode, 200)
})

t.test('a login ends the session whose session cookie it carries', async (t) => {
  const { client, email } = await newPerson(app, 'session')
  const old = copyOf(client)
  await client.signIn(email, { path: '/login', mode: 'session' })
  t.not(client.cookies.get(sessionCookie), old.cookies.get(sessionCookie))
  expectProblem(t, await old.send('GET', '/me'), 'session_revoked')
})

t.test("a login ends another user's session in this browser, and that user's other sessions stay", async (t) => {
  const { client, email } = await newPerson(app)
  const elsewhere = await anotherDevice(app, { email })
  const left = copyOf(client)
  await client.signIn(newEmail())
  expectProblem(t, await left.send('GET', '/me'), 'session_revoked')
  t.equal((await elsewhere.client.send('GET', '/me')).statusCode, 200)
})

t.test('a failed login ends nothing', async (t) => {
  const { client, email } = await newPerson(app)
  const payload = { email, password: 'not the right one' }
  expectProblem(t, await client.send('POST', '/login', { payload }), 'invalid_credentials')
  t.equal((await client.send('POST', '/refresh')).statusCode, 200)
})

t.test('a cookie planted before the login is replaced', async (t) => {
  const { email } = await newPerson(app)
  const attacker = await newPerson(app)
  for (const planted of [attacker.client.cookies.get(refreshCookie) ?? '', 'lk_rt_planted', 'x']) {
    const victim = new Client(app)
    victim.cookies.set(refreshCookie, planted)
    await victim.signIn(email, { path: '/login' })
    t.not(victim.cookies.get(refreshCookie), planted)
    t.not(victim.sessionId, attacker.client.sessionId)
  }
})

t.test('above the limit of sessions the oldest one ends', async (t) => {
  const oldest = await newPerson(app, 'body')
  const second = await anotherDevice(app, oldest)
  await anotherDevice(app, oldest)
  t.equal((await oldest.client.send('GET', '/me')).statusCode, 200)
  await anotherDevice(app, oldest)
  expectProblem(t, await oldest.client.send('GET', '/me'), 'session_revoked')
  t.equal((await second.client.send('GET', '/me')).statusCode, 200)
})

t.test('every decision is in the event log with its reason', async (t) => {
  const { client, email } = await newPerson(app)
  await login({ email, password: 'not the right one' })
  const { id } = (await client.send('GET', '/me')).json()
  const events = await sql<{ type: string; reason: string | null }>(
    database,
    'SELECT type, reason FROM event WHERE user_id = $1::uuid ORDER BY id',
    id
  )
  t.strictSame(events, [
    { type: 'user_registered', reason: null },
    { type: 'login_succeeded', reason: null },
    { type: 'login_failed', reason: 'wrong_password' }
  ])
})
