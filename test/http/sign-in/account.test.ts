import t from 'tap'
import { openTestDatabase, sql } from '../../support/database.js'
import { allPages, userIdOf } from '../../support/http/admin.js'
import { expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { anotherDevice, copyOf, newPerson, refreshCookie, sessionCookie } from '../../support/http/people.js'
import { Client, goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)

/** What only admins may read about the end of a session. */
const ending = { note: 'for admins only', userAgent: 'the browser of an admin' }
const newPassword = 'another good password'
const change = (client: Client, current_password: string, new_password: string) =>
  client.send('POST', '/password', { payload: { current_password, new_password } })

async function loginWith(email: string, password: string): Promise<number> {
  return (await app.inject({ method: 'POST', url: '/login', payload: { email, password } })).statusCode
}

t.test('GET /me returns the signed-in user, and nothing else', async (t) => {
  const { client, email } = await newPerson(app)
  const response = await client.send('GET', '/me')
  const { id, created_at, ...rest } = response.json()
  t.equal(response.statusCode, 200)
  t.strictSame(rest, {
    email,
    email_verified: false,
    roles: [],
    attributes: {},
    has_password: true,
    external: false,
    session_id: client.sessionId
  })
  t.match(id, /^[0-9a-f-]{36}$/)
  t.match(created_at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
})

t.test('GET /me/events returns the events of this account only', async (t) => {
  const { client: admin } = await newPerson(app)
  await sql(database, `UPDATE "user" SET roles = '{admin}' WHERE id = $1::uuid`, await userIdOf(admin))
  await admin.send('POST', '/refresh')
  const here = await newPerson(app)
  const there = await anotherDevice(app, here)
  await newPerson(app)
  await change(here.client, 'wrong', newPassword)
  const request = { payload: { reason: ending.note }, headers: { 'user-agent': ending.userAgent } }
  t.equal((await admin.send('DELETE', `/admin/sessions/${there.client.sessionId}`, request)).statusCode, 204)

  const response = await here.client.send('GET', '/me/events')
  const { events, next_cursor } = response.json()
  t.equal(next_cursor, null)
  t.match(events, [
    {
      type: 'session_ended',
      reason: 'revoked_by_admin',
      session_id: there.client.sessionId,
      ip: null,
      user_agent: null
    },
    { type: 'password_refused', ip: '127.0.0.1', user_agent: 'lightMyRequest' },
    { type: 'login_succeeded', session_id: there.client.sessionId, ip: '127.0.0.1', user_agent: 'lightMyRequest' },
    { type: 'login_succeeded', session_id: here.client.sessionId },
    { type: 'user_registered' }
  ])
  t.equal(events.length, 5)
  for (const secret of [ending.note, ending.userAgent, 'actor', await userIdOf(admin)]) {
    t.notOk(response.body.includes(secret), secret)
  }
})

t.test('GET /me/events is paged', async (t) => {
  const here = await newPerson(app)
  await anotherDevice(app, here)
  const types = (await allPages<{ type: string }>(here.client, '/me/events?limit=2', 'events')).map((page) =>
    page.map(({ type }) => type)
  )
  t.strictSame(types, [['login_succeeded', 'login_succeeded'], ['user_registered']])
  expectFieldErrors(t, await here.client.send('GET', '/me/events?user_id=x'), ['user_id'])
  expectProblem(t, await app.inject('/me/events'), 'missing_credentials')
})

t.test('POST /password sets the new password and ends every other session', async (t) => {
  const here = await newPerson(app)
  const others = [await anotherDevice(app, here), await anotherDevice(app, here, 'session')]
  const stranger = await newPerson(app)
  t.equal((await change(here.client, goodPassword, newPassword)).statusCode, 200)
  t.equal(await loginWith(here.email, goodPassword), 401)
  t.equal(await loginWith(here.email, newPassword), 200)
  for (const { client } of others) expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  t.equal((await here.client.send('GET', '/me')).statusCode, 200)
  t.equal((await here.client.send('POST', '/refresh')).statusCode, 200)
  t.equal((await stranger.client.send('GET', '/me')).statusCode, 200)
})

t.test('POST /password with a wrong current password changes nothing and is in the event log', async (t) => {
  const here = await newPerson(app)
  const there = await anotherDevice(app, here)
  for (const wrong of ['not the right one', '', `${goodPassword} `, 'x'.repeat(1025)]) {
    expectProblem(t, await change(here.client, wrong, newPassword), 'invalid_credentials')
  }
  t.equal(await loginWith(here.email, goodPassword), 200)
  t.equal((await there.client.send('GET', '/me')).statusCode, 200)
  const { id } = (await here.client.send('GET', '/me')).json()
  const refused = await sql(database, `SELECT 1 FROM event WHERE user_id = $1::uuid AND type = 'password_refused'`, id)
  t.equal(refused.length, 4)
})

t.test('POST /password names missing members', async (t) => {
  const { client } = await newPerson(app)
  expectFieldErrors(t, await client.send('POST', '/password', { payload: {} }), ['new_password'])
})

t.test('of two concurrent password changes one wins and the other is refused', async (t) => {
  const here = await newPerson(app)
  const there = await anotherDevice(app, here)
  const answers = await Promise.all([
    change(here.client, goodPassword, 'the first of two new ones'),
    change(there.client, goodPassword, 'the second of two new ones')
  ])
  t.strictSame(answers.map(({ statusCode }) => statusCode).sort(), [200, 401])
  const live = await Promise.all([here, there].map(async ({ client }) => (await client.send('GET', '/me')).statusCode))
  t.strictSame(live.sort(), [200, 401])
})

t.test('DELETE /me deletes the account and all its sessions, clears the cookies and frees the address', async (t) => {
  const here = await newPerson(app)
  const there = await anotherDevice(app, here, 'body')
  const kept = copyOf(here.client)
  const { id } = (await here.client.send('GET', '/me')).json()
  const response = await here.client.send('DELETE', '/me', { payload: { password: goodPassword } })
  t.equal(response.statusCode, 204)
  t.strictSame(response.cookies.map(({ name }) => name).sort(), [refreshCookie, sessionCookie])
  t.equal(here.client.cookies.size, 0)
  for (const client of [kept, there.client]) expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  t.equal(await loginWith(here.email, goodPassword), 401)

  const again = new Client(app)
  t.equal((await again.signIn(here.email)).statusCode, 201)
  t.not((await again.send('GET', '/me')).json().id, id)
})

t.test('DELETE /me without the password deletes nothing', async (t) => {
  const { client } = await newPerson(app)
  expectProblem(t, await client.send('DELETE', '/me', { payload: { password: 'wrong' } }), 'invalid_credentials')
  expectFieldErrors(t, await client.send('DELETE', '/me', { payload: {} }), ['password'])
  expectFieldErrors(t, await client.send('DELETE', '/me'), ['password'])
  t.equal((await client.send('GET', '/me')).statusCode, 200)
})

t.test('a user whose row is gone is session_revoked on every route that needs it', async (t) => {
  const { client, email } = await newPerson(app)
  await sql(database, 'DELETE FROM "user" WHERE email_key = $1', email)
  expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  expectProblem(t, await change(client, goodPassword, newPassword), 'session_revoked')
  const payload = { password: goodPassword }
  expectProblem(t, await client.send('DELETE', '/me', { payload }), 'session_revoked')
})

t.test('a login with the old password fails if the password changes meanwhile', async (t) => {
  const here = await newPerson(app)
  let runs = Number.NEGATIVE_INFINITY
  const changing: typeof database = {
    ...database,
    run: async (operation) => {
      runs += 1
      // The login has read the user and verified the password, and is about to create its session.
      if (runs === 2) t.equal((await change(here.client, goodPassword, newPassword)).statusCode, 200)
      return database.run(operation)
    }
  }
  const late = new Client(await openService(t, changing))
  runs = 0
  expectProblem(t, await late.signIn(here.email, { path: '/login' }), 'invalid_credentials')
  t.equal((await here.client.send('GET', '/sessions')).json().sessions.length, 1)
})
