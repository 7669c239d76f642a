import t from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { allPages, openAdminService, signInAdmin, userIdOf } from '../../support/http/admin.js'
import { expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { anotherDevice, newPerson } from '../../support/http/people.js'
import { Client } from '../../support/service.js'

const nobody = '00000000-0000-4000-8000-000000000000'
const database = await openTestDatabase(t, { kind: 'embedded' })
const { app, admin } = await openAdminService(t, database)

interface SessionView {
  readonly id: string
  readonly user_id: string
  readonly current: boolean
}

t.test('GET /admin/users/:id/sessions shows the sessions of one user, newest first', async (t) => {
  const person = await newPerson(app, 'cookie', 'laptop')
  const { client: phone } = await anotherDevice(app, person, 'body', 'phone')
  await newPerson(app)
  const userId = await userIdOf(phone)

  const response = await admin.send('GET', `/admin/users/${userId}/sessions`)
  t.equal(response.statusCode, 200)
  const { sessions } = response.json()
  t.match(sessions, [
    { id: phone.sessionId, user_id: userId, current: false, mode: 'body', device: 'phone', ip: '127.0.0.1' },
    { id: person.client.sessionId, user_id: userId, current: false, mode: 'cookie', device: 'laptop' }
  ])
  t.equal(sessions.length, 2)
  for (const time of ['created_at', 'last_used_at', 'expires_at']) {
    t.equal(new Date(sessions[0][time]).toISOString(), sessions[0][time])
  }
})

t.test('the session of the request is marked as the current one', async (t) => {
  const response = await admin.send('GET', `/admin/users/${await userIdOf(admin)}/sessions`)
  t.match(response.json().sessions, [{ id: admin.sessionId, current: true }])
})

t.test('GET /admin/sessions pages through all sessions, newest first, each once', async (t) => {
  const people = [await newPerson(app), await newPerson(app), await newPerson(app)]
  const pages = await allPages<SessionView>(admin, '/admin/sessions?limit=2', 'sessions')
  const ids = pages.flat().map(({ id }) => id)
  t.strictSame(ids.slice(0, 3), people.map(({ client }) => client.sessionId).reverse())
  t.equal(new Set(ids).size, ids.length)
  t.strictSame(
    pages
      .flat()
      .filter(({ current }) => current)
      .map(({ id }) => id),
    [admin.sessionId]
  )
})

t.test('?user_id= and ?ip= narrow the list, on every page', async (t) => {
  const person = await newPerson(app)
  const devices = [person, await anotherDevice(app, person), await anotherDevice(app, person)]
  const userId = await userIdOf(person.client)
  const pages = await allPages<SessionView>(admin, `/admin/sessions?limit=2&user_id=${userId}`, 'sessions')
  t.strictSame(
    pages.map((page) => page.map(({ id }) => id)),
    [[devices[2]?.client.sessionId, devices[1]?.client.sessionId], [devices[0]?.client.sessionId]]
  )

  const elsewhere = await app.inject({
    method: 'POST',
    url: '/login',
    remoteAddress: '192.0.2.7',
    payload: { email: person.email, password: 'correct horse battery staple', mode: 'access' }
  })
  const found = (await admin.send('GET', '/admin/sessions?ip=192.0.2.7')).json().sessions
  t.strictSame(
    found.map(({ id, ip }: { id: string; ip: string }) => [id, ip]),
    [[elsewhere.json().session_id, '192.0.2.7']]
  )
  t.strictSame((await admin.send('GET', `/admin/sessions?user_id=${nobody}`)).json(), {
    sessions: [],
    next_cursor: null
  })
  t.strictSame((await admin.send('GET', '/admin/sessions?ip=x')).json().sessions, [])
})

for (const [query, field] of [
  ['user_id=', 'user_id'],
  ['user_id=undefined', 'user_id'],
  [`user_id=${nobody}&user_id=${nobody}`, 'user_id'],
  [`user_id[]=${nobody}`, 'user_id[]'],
  [`userId=${nobody}`, 'userId'],
  ['ip=', 'ip'],
  ['ip=%00', 'ip'],
  ['cursor=%00', 'cursor'],
  ['cursor=', 'cursor'],
  ['limit=-1', 'limit']
] as const) {
  t.test(`GET /admin/sessions?${query} is refused and does not list everybody's sessions`, async (t) => {
    expectFieldErrors(t, await admin.send('GET', `/admin/sessions?${query}`), [field])
  })
}

t.test('DELETE /admin/sessions/:id ends only that session, and logs the admin and the reason', async (t) => {
  const person = await newPerson(app)
  const { client: other } = await anotherDevice(app, person)
  const { client } = person
  const response = await admin.send('DELETE', `/admin/sessions/${client.sessionId}`, {
    payload: { reason: 'lost phone' }
  })
  t.equal(response.statusCode, 204)
  t.equal(response.body, '')

  expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  t.match((await client.send('POST', '/refresh')).json(), { code: 'session_ended', reason: 'revoked_by_admin' })
  t.equal((await other.send('GET', '/me')).statusCode, 200)
  expectProblem(t, await admin.send('DELETE', `/admin/sessions/${client.sessionId}`), 'not_found')

  const query = `type=session_ended&session_id=${client.sessionId}`
  const { events } = (await admin.send('GET', `/admin/events?${query}`)).json()
  t.equal(events.length, 1)
  t.match(events, [{ reason: 'revoked_by_admin', note: 'lost phone', actor_id: await userIdOf(admin) }])
})

t.test('DELETE /admin/sessions/:id needs no body', async (t) => {
  const { client } = await newPerson(app)
  t.equal((await admin.send('DELETE', `/admin/sessions/${client.sessionId}`)).statusCode, 204)
  expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
})

for (const id of [nobody, 'x', '%00', '*']) {
  t.test(`the unknown session id "${id}" answers 404`, async (t) => {
    expectProblem(t, await admin.send('DELETE', `/admin/sessions/${id}`), 'not_found')
  })
}

t.test('an invalid reason is refused, and no session ends', async (t) => {
  const { client } = await newPerson(app)
  for (const reason of [7, 'x'.repeat(501), 'two\nlines', 'nul\u0000']) {
    const options = { payload: { reason } }
    expectFieldErrors(t, await admin.send('DELETE', `/admin/sessions/${client.sessionId}`, options), ['reason'])
    const ofUser = `/admin/users/${await userIdOf(client)}/sessions`
    expectFieldErrors(t, await admin.send('DELETE', ofUser, options), ['reason'])
  }
  t.equal((await client.send('GET', '/me')).statusCode, 200)
})

t.test('DELETE /admin/users/:id/sessions ends all sessions of one user at once', async (t) => {
  const person = await newPerson(app)
  const { client: serverSide } = await anotherDevice(app, person, 'session')
  const { client: bystander } = await newPerson(app)
  const url = `/admin/users/${await userIdOf(person.client)}/sessions`
  const response = await admin.send('DELETE', url, { payload: { reason: 'moved on' } })
  t.equal(response.statusCode, 200)
  t.strictSame(response.json(), { revoked: 2 })
  expectProblem(t, await person.client.send('GET', '/me'), 'session_revoked')
  expectProblem(t, await serverSide.send('GET', '/me'), 'session_revoked')
  t.equal((await bystander.send('GET', '/me')).statusCode, 200)
  t.strictSame((await admin.send('DELETE', url)).json(), { revoked: 0 })
})

for (const payload of [undefined, {}, { confirm: true }, { confirm: 'yes' }, { confirm: ['revoke-all'] }]) {
  t.test(`revoke-all with ${JSON.stringify(payload)} is refused, and nobody is signed out`, async (t) => {
    const { client } = await newPerson(app)
    const options = payload && { payload }
    const response = await admin.send('POST', '/admin/sessions/revoke-all', options)
    t.match(response.json(), { code: 'invalid_request', errors: [{ field: 'confirm' }] })
    t.equal((await client.send('GET', '/me')).statusCode, 200)
  })
}

t.test("revoke-all ends everybody's sessions, the admin's too, and everybody can sign in again", async (t) => {
  const person = await newPerson(app)
  const { client: phone } = await newPerson(app, 'body')
  const { client: serverSide } = await newPerson(app, 'session')
  const { client: banking } = await newPerson(app, 'access')
  const adminId = await userIdOf(admin)

  const response = await admin.send('POST', '/admin/sessions/revoke-all', { payload: { confirm: 'revoke-all' } })
  t.equal(response.statusCode, 200)
  t.ok(response.json().revoked >= 5)
  for (const client of [admin, person.client, phone, serverSide, banking]) {
    expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  }
  t.match((await person.client.send('POST', '/refresh')).json(), { code: 'session_ended', reason: 'revoked_by_admin' })
  const refreshToken = { payload: { refresh_token: phone.refreshToken }, bearer: false }
  t.match((await phone.send('POST', '/refresh', refreshToken)).json(), { reason: 'revoked_by_admin' })

  const again = new Client(app)
  t.equal((await again.signIn(person.email, { path: '/login' })).statusCode, 200)
  t.equal((await again.send('GET', '/me')).statusCode, 200, 'a token issued in the same second is accepted')
  const { events } = (await (await signInAdmin(app)).send('GET', '/admin/events?type=everybody_revoked')).json()
  t.match(events, [{ type: 'everybody_revoked', actor_id: adminId, session_id: null }])
})
