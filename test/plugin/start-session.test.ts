// Long, because the host, its routes and what it says about people are prepared once.
import { randomUUID } from 'node:crypto'
import cookie from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { readEmail } from '../../src/core/email.js'
import { adminRole, modes } from '../../src/core/vocabulary.js'
import type { HostLogin } from '../../src/http/host/checked-login.js'
import { httpPlugin } from '../../src/http/plugin.js'
import { openTestDatabase, sql } from '../support/database.js'
import { newHost, openPluginOptions } from '../support/host.js'
import { newEmail, refreshCookie, sessionCookie } from '../support/http/people.js'
import { Client } from '../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const { ports, settings } = await openPluginOptions(t, database, { rateLimitEnabled: false })

/** A host whose routes start a session for the person that the request names. A real host would prove the identity first. */
const app = newHost(t)
await app.register(cookie, { parseOptions: { domain: 'host.test' } })
await app.register(httpPlugin, { ports, settings, prefix: '/auth' })
await app.register(
  (scope, _options, done) => {
    const { startSession, authenticateOptional } = scope.latchkey
    scope.post<{ Body: HostLogin }>('/enter', async ({ body }, reply) => startSession(reply, body))
    scope.get<{ Querystring: { id: string } }>('/callback', async ({ query }, reply) =>
      startSession(reply, { externalId: query.id, amr: ['fed'] })
    )
    scope.post<{ Body: HostLogin }>('/again', { preHandler: authenticateOptional }, async ({ body }, reply) => {
      reply.setCookie('own', 'value')
      return startSession(reply, body)
    })
    const response = { 200: { type: 'object', properties: { session_id: { type: 'string' } } } }
    scope.post<{ Body: HostLogin }>('/stripped', { schema: { response } }, async ({ body }, reply) =>
      startSession(reply, body)
    )
    scope.post<{ Body: HostLogin }>('/twice', async ({ body }, reply) => {
      await startSession(reply, body)
      return startSession(reply, body)
    })
    scope.post<{ Body: HostLogin }>('/second-choice', async ({ body }, reply) =>
      startSession(reply, { ...body, userId: randomUUID(), externalId: undefined }).catch(() =>
        startSession(reply, body)
      )
    )
    scope.post<{ Body: HostLogin }>('/late', async ({ body }, reply) => {
      reply.send({ sent: true })
      await startSession(reply, body).catch((error) => lateErrors.push(String(error)))
      return reply
    })
    done()
  },
  { prefix: '/own' }
)
const lateErrors: string[] = []

const amr = ['pwd', 'otp']
const enter = (client: Client, payload: object, path = '/own/enter') =>
  client.send('POST', path, { payload: { amr, ...payload } })
const someone = () => `cn=${randomUUID()},ou=people`
const userOf = async (externalId: string) => {
  const user = await ports.users.findByExternalId(externalId)
  if (user === undefined) throw new Error('there is no such user')
  return user
}
const eventsOf = async (userId: string) => (await ports.events.list({ userId }, { limit: 50 })).items
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
/** How a session that the client holds is continued, by its mode. */
const works = async (client: Client) => (await client.send('GET', '/auth/me')).statusCode

t.test('in each mode the host answers as POST /login does, and the client is signed in', async (t) => {
  for (const mode of modes) {
    const email = newEmail()
    await new Client(app).send('POST', '/auth/register', { payload: { email, password: 'correct horse battery' } })
    const byPassword = await new Client(app).send('POST', '/auth/login', {
      payload: { email, password: 'correct horse battery', mode }
    })
    const client = new Client(app)
    const answer = await enter(client, { externalId: someone(), mode, device: 'desk' })
    t.equal(answer.statusCode, 200, mode)
    t.strictSame(Object.keys(answer.json()), Object.keys(byPassword.json()), mode)
    t.strictSame(
      answer.cookies.map(({ value: _, ...rest }) => rest),
      byPassword.cookies.map(({ value: _, ...rest }) => rest),
      mode
    )
    t.equal(answer.headers['cache-control'], 'no-store')
    t.equal(await works(client), 200, mode)
    const { sessions } = (await client.send('GET', '/auth/sessions')).json()
    t.match(sessions, [{ mode, device: 'desk', current: true }])
    if (mode === 'cookie') t.equal((await client.send('POST', '/auth/refresh')).statusCode, 200)
  }
})

t.test('an unknown external id makes one user, without a password', async (t) => {
  const [externalId, email] = [someone(), newEmail()]
  const client = new Client(app)
  const { access_token: token } = (
    await enter(client, { externalId, email, emailVerified: true, roles: ['editor'] })
  ).json()
  t.match(claimsOf(token), { amr, roles: ['editor'] })
  t.match((await client.send('GET', '/auth/me')).json(), {
    email,
    email_verified: true,
    has_password: false,
    external: true
  })
  await enter(new Client(app), { externalId, email: newEmail(), emailVerified: true })
  t.match(await userOf(externalId), { email, roles: ['editor'] }, 'the address of a known person is not changed')

  const bare = new Client(app)
  await enter(bare, { externalId: someone() })
  t.match((await bare.send('GET', '/auth/me')).json(), { email: null, email_verified: false })
  const { id } = await userOf(externalId)
  const events = (await eventsOf(id)).map(({ type, reason }) => [type, reason]).reverse()
  t.strictSame(events, [
    ['user_registered', 'host'],
    ['login_succeeded', 'host'],
    ['login_succeeded', 'host']
  ])
})

t.test('simultaneous first logins of one external id make one user', async (t) => {
  const externalId = someone()
  const email = newEmail()
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => enter(new Client(app), { externalId, email, emailVerified: true }))
  )
  t.ok(answers.every(({ statusCode }) => statusCode === 200))
  const subjects = new Set(answers.map((answer) => claimsOf(answer.json().access_token).sub))
  t.strictSame([...subjects], [(await userOf(externalId)).id])
})

t.test('a host never gets into an account by its address', async (t) => {
  const [email, externalId] = [newEmail(), someone()]
  await new Client(app).send('POST', '/auth/register', { payload: { email, password: 'correct horse battery' } })
  const answer = await enter(new Client(app), { externalId, email: email.toUpperCase(), emailVerified: true })
  t.equal(answer.statusCode, 409)
  t.equal(answer.json().code, 'email_taken')
  t.strictSame(answer.cookies, [])
  t.equal(await ports.users.findByExternalId(externalId), undefined)
  const key = readEmail(email)
  t.match(key && (await ports.users.findByEmail(key)), { externalId: null, roles: [] })
})

t.test('a disabled account and one that waits for its confirmation are refused, with an event', async (t) => {
  const externalId = someone()
  await enter(new Client(app), { externalId })
  const { id } = await userOf(externalId)
  await ports.users.update(id, { disabled: true }, {})
  const refused = await enter(new Client(app), { externalId, roles: ['editor'] })
  t.equal(refused.statusCode, 401)
  t.equal(refused.json().code, 'invalid_credentials')
  t.match((await eventsOf(id))[0], { type: 'login_failed', reason: 'user_disabled' })
  t.match(await userOf(externalId), { roles: [] })

  const waiting = someone()
  await enter(new Client(app), { externalId: waiting })
  const { id: waitingId } = await userOf(waiting)
  await sql(database, `UPDATE "user" SET awaits_confirmation = true WHERE id = '${waitingId}'`)
  const unconfirmed = await enter(new Client(app), { userId: waitingId })
  t.equal(unconfirmed.statusCode, 403)
  t.equal(unconfirmed.json().code, 'email_not_verified')
})

t.test('roles that the host names replace those of the user, as an admin would', async (t) => {
  const externalId = someone()
  const [desk, phone] = [new Client(app), new Client(app)]
  await enter(desk, { externalId, roles: ['editor', 'author'] })
  await enter(phone, { externalId })
  t.match(claimsOf(phone.accessToken), { roles: ['editor', 'author'] }, 'without roles they stay')
  await enter(phone, { externalId, roles: ['author', 'editor'] })
  t.equal(await works(desk), 200, 'the same roles change nothing')
  await enter(phone, { externalId, roles: [] })
  t.strictSame(claimsOf(phone.accessToken).roles, [])
  t.equal((await desk.send('GET', '/auth/me')).json().code, 'token_expired', 'older access tokens are refused')
  const { id } = await userOf(externalId)
  const changes = (await eventsOf(id)).filter(({ type }) => type === 'roles_changed')
  t.match(changes, [{ actorId: null, userAgent: 'latchkey host' }])
  t.equal(changes.length, 1)
})

t.test('the last admin stays an admin: a login that would take the role away is refused', async (t) => {
  const [first, second] = [someone(), someone()]
  await enter(new Client(app), { externalId: first, roles: [adminRole] })
  const refused = await enter(new Client(app), { externalId: first, roles: [] })
  t.equal(refused.statusCode, 409)
  t.equal(refused.json().code, 'last_admin')
  t.strictSame((await ports.sessions.listOfUser((await userOf(first)).id)).length, 1)
  await enter(new Client(app), { externalId: second, roles: [adminRole] })
  t.equal((await enter(new Client(app), { externalId: first, roles: [] })).statusCode, 200)
})

t.test('a person who is signed in is authenticated again: the session is replaced', async (t) => {
  for (const mode of modes) {
    const externalId = someone()
    const client = new Client(app)
    await enter(client, { externalId, mode, device: 'desk' })
    const before = client.sessionId
    await sql(database, `UPDATE session SET auth_time = now() - interval '1 hour' WHERE id = '${before}'`)
    const answer = await enter(client, { externalId, amr: ['hwk'] }, '/own/again')
    t.equal(answer.statusCode, 200, mode)
    t.notOk('device_token' in answer.json())
    t.not(client.sessionId, before)
    t.ok(
      answer.cookies.some(({ name }) => name === 'own'),
      'a cookie of the host is set too'
    )
    t.equal(await works(client), 200, mode)
    const [session, ...others] = await ports.sessions.listOfUser((await userOf(externalId)).id)
    t.match(session, { id: client.sessionId, mode, device: 'desk' })
    t.equal(others.length, 0)
    const live = await ports.sessions.find(client.sessionId)
    t.match(live, { amr: ['hwk', 'otp', 'pwd'] })
    t.ok(live !== undefined && live.now - live.authTime < 60_000)
    t.match((await ports.events.endingOf(before))?.reason, 'replaced')
    const [latest] = await eventsOf((await userOf(externalId)).id)
    t.match(latest, { sessionId: before, type: 'session_ended' })
    t.match((await ports.events.list({ sessionId: client.sessionId }, { limit: 5 })).items, [
      { type: 'reauthenticated', reason: 'host' }
    ])
  }
})

t.test('authTime of the host is the auth_time of the token, never in the future', async (t) => {
  const now = Math.floor(Date.now() / 1000)
  const [externalId, client] = [someone(), new Client(app)]
  await enter(client, { externalId, authTime: now - 3600 })
  t.equal(claimsOf(client.accessToken).auth_time, now - 3600)
  await enter(client, { externalId, authTime: now - 60 }, '/own/again')
  t.equal(claimsOf(client.accessToken).auth_time, now - 60)
  await enter(client, { externalId, authTime: now + 3600 }, '/own/again')
  t.ok(claimsOf(client.accessToken).auth_time < now + 60)
})

t.test('another person in the same browser gets a session of their own, in place of the first', async (t) => {
  const [first, second] = [someone(), someone()]
  for (const [mode, name] of [
    ['cookie', refreshCookie],
    ['session', sessionCookie]
  ] as const) {
    const client = new Client(app)
    await enter(client, { externalId: first, mode })
    const before = client.sessionId
    await enter(client, { externalId: second, mode }, '/own/again')
    t.equal((await ports.events.endingOf(before))?.reason, 'replaced', mode)
    t.ok(client.cookies.get(name))
    t.match(await ports.sessions.find(client.sessionId), { userId: (await userOf(second)).id })
  }
})

t.test('a session of the same browser is replaced, and a known device gets no notice', async (t) => {
  const externalId = someone()
  const client = new Client(app)
  await enter(client, { externalId })
  const before = client.sessionId
  await enter(client, { externalId })
  t.equal((await ports.events.endingOf(before))?.reason, 'replaced')
  t.equal((await ports.sessions.listOfUser((await userOf(externalId)).id)).length, 1)
})

t.test('the answer of an identity provider is accepted, although another site has caused the request', async (t) => {
  const answer = await app.inject({
    url: `/own/callback?id=${encodeURIComponent(someone())}`,
    headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
  })
  t.equal(answer.statusCode, 200)
  t.ok(answer.cookies.some(({ name }) => name === refreshCookie))
})

t.test('what a person may have caused is refused with a problem, and nothing is changed', async (t) => {
  const users = await ports.users.list({}, { limit: 200 })
  const refused: readonly [object, number, string, string?][] = [
    [{ externalId: '' }, 400, 'invalid_request', 'external_id'],
    [{ externalId: 'x'.repeat(10_000) }, 400, 'invalid_request', 'external_id'],
    [{ externalId: 'a\0b' }, 400, 'invalid_request', 'external_id'],
    [{ externalId: 'a\ud83d' }, 400, 'invalid_request', 'external_id'],
    [{ externalId: someone(), email: 'nobody', emailVerified: true }, 400, 'invalid_request', 'email'],
    [{ externalId: someone(), device: 'x'.repeat(101) }, 400, 'invalid_request', 'device'],
    [{ externalId: someone(), device: 'a\nb' }, 400, 'invalid_request', 'device'],
    [{ externalId: someone(), mode: 'tab' }, 400, 'invalid_request'],
    [{ externalId: someone(), mode: 5 }, 400, 'invalid_request'],
    [{ externalId: someone(), device: 5 }, 400, 'invalid_request'],
    [{ externalId: someone(), deviceToken: { a: 1 } }, 400, 'invalid_request'],
    [{ userId: randomUUID() }, 404, 'not_found'],
    [{ userId: 'ann' }, 404, 'not_found']
  ]
  for (const [login, status, code, field] of refused) {
    const answer = await enter(new Client(app), login)
    t.equal(answer.statusCode, status, code)
    t.equal(answer.json().code, code)
    if (field !== undefined) t.match(answer.json().message, field)
    t.strictSame(answer.cookies, [])
  }
  t.strictSame(await ports.users.list({}, { limit: 200 }), users)
})

t.test('a mistake of the host is a TypeError that names it', async (t) => {
  const wrong: readonly [object, RegExp][] = [
    [{}, /either userId or externalId/],
    [{ userId: randomUUID(), externalId: someone() }, /either userId or externalId/],
    [{ externalId: 7 }, /externalId/],
    [{ external_id: someone() }, /startSession/],
    [{ externalId: someone(), amr: [] }, /amr/],
    [{ externalId: someone(), amr: ['a b'] }, /amr/],
    [{ externalId: someone(), amr: Array.from({ length: 9 }, (_, i) => `m${i}`) }, /amr/],
    [{ externalId: someone(), amr: ['pwd', 'pwd'] }, /amr/],
    [{ externalId: someone(), authTime: Date.now() }, /authTime/],
    [{ externalId: someone(), authTime: '5' }, /authTime/],
    [{ externalId: someone(), roles: ['Domain Admins'] }, /roles/]
  ]
  for (const [login, message] of wrong) {
    const answer = await enter(new Client(app), login)
    t.equal(answer.statusCode, 500)
    t.match(answer.json().message, message)
  }
  const login = { externalId: someone(), amr }
  await t.rejects(app.latchkey.startSession({ statusCode: 200 }, login), TypeError)
})

t.test('a request gets one session: a second call, and one after the answer, changes nothing', async (t) => {
  const externalId = someone()
  t.equal((await enter(new Client(app), { externalId }, '/own/twice')).statusCode, 500)
  t.equal((await ports.sessions.listOfUser((await userOf(externalId)).id)).length, 1)
  t.equal((await enter(new Client(app), { externalId }, '/own/second-choice')).statusCode, 200)

  const late = someone()
  t.strictSame((await enter(new Client(app), { externalId: late }, '/own/late')).json(), { sent: true })
  t.match(lateErrors, [/after the reply was sent/])
  t.equal(await ports.users.findByExternalId(late), undefined)
})

t.test('a response schema of the host strips the body, and the cookies stay', async (t) => {
  const client = new Client(app)
  const answer = await enter(client, { externalId: someone() }, '/own/stripped')
  t.strictSame(Object.keys(answer.json()), ['session_id'])
  t.equal((await client.send('POST', '/auth/refresh')).statusCode, 200)
})

t.test('a mode that the service does not offer is refused before an account is made', async (t) => {
  const only = await openPluginOptions(t, database, { rateLimitEnabled: false, modes: ['body'] })
  const host: FastifyInstance = newHost(t)
  await host.register(httpPlugin, { ...only, prefix: '/auth' })
  host.post<{ Body: HostLogin }>('/enter', async ({ body }, reply) => host.latchkey.startSession(reply, body))
  const externalId = someone()
  const refused = await host.inject({ method: 'POST', url: '/enter', payload: { externalId, amr } })
  t.equal(refused.statusCode, 400)
  t.equal(refused.json().code, 'mode_not_allowed')
  t.equal(await ports.users.findByExternalId(externalId), undefined)
  const accepted = await host.inject({ method: 'POST', url: '/enter', payload: { externalId, amr, mode: 'body' } })
  t.ok(accepted.json().refresh_token)
})
