import Fastify from 'fastify'
import t from 'tap'
import { buildApp } from '../../../src/app.js'
import { loadConfig } from '../../../src/config/read-config.js'
import type { ClaimsFunction } from '../../../src/ports/added-claims.js'
import { age, openTestDatabase, sql } from '../../support/database.js'
import { userIdOf } from '../../support/http/admin.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { newEmail, newPerson } from '../../support/http/people.js'
import { postForm, serviceSettings } from '../../support/http/services.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { recordedDatabase } from '../../support/recorded-statements.js'
import { Client, goodPassword, testEnvironment } from '../../support/service.js'

type Subject = Parameters<ClaimsFunction>[0]

const database = recordedDatabase(await openTestDatabase(t, { kind: 'embedded' }))
const mailServer = await openMailServer(t)

/** What the function of the host does; each test sets its own. */
let answer: (subject: Subject) => object | Promise<object> = () => ({})
let subjects: Subject[] = []

async function open(environment: Record<string, string> = {}, claimsMilliseconds = 10_000) {
  const config = loadConfig({ ...testEnvironment, ...serviceSettings, ...mailServer.settings, ...environment })
  const claims: ClaimsFunction = (subject) => {
    subjects.push(subject)
    return answer(subject)
  }
  const app = await buildApp(config, { database, refusalMilliseconds: 0, claims, claimsMilliseconds })
  t.teardown(() => app.close())
  return app
}

const app = await open({ TOKEN_ATTRIBUTES: 'tenant' })
t.beforeEach(() => {
  answer = () => ({})
  subjects = []
})

const payloadOf = (client: Client) =>
  JSON.parse(Buffer.from(client.accessToken.split('.')[1] ?? '', 'base64url').toString())
const refresh = (client: Client, refreshToken = client.refreshToken) =>
  client.send('POST', '/refresh', { payload: { refresh_token: refreshToken } })
const fail = () => {
  throw new Error('the billing service is away')
}
const rowsOf = (client: Client) =>
  sql(database, 'SELECT generation::int, rotated_at, last_used_at FROM session WHERE id = $1::uuid', client.sessionId)
const setAttributes = (id: string, attributes: object) =>
  sql(database, 'UPDATE "user" SET attributes = $1::jsonb WHERE id = $2::uuid', JSON.stringify(attributes), id)

t.test('the claims of the host are in the token of each login and of each refresh, and in request.auth', async (t) => {
  let calls = 0
  answer = () => {
    calls += 1
    return { calls, plan: 'pro' }
  }
  const { client, email } = await newPerson(app, 'body', 'phone')
  t.match(payloadOf(client), { calls: 1, plan: 'pro', roles: [], sid: client.sessionId })
  await client.signIn(email, { path: '/login', mode: 'body', device: 'phone' })
  t.match(payloadOf(client), { calls: 2 })
  await refresh(client)
  t.match(payloadOf(client), { calls: 3 })
  await refresh(client)
  t.match(payloadOf(client), { calls: 4 }, 'the refresh token stays, and the claims are new')
  await client.send('POST', '/reauthenticate', { payload: { password: goodPassword } })
  t.match(payloadOf(client), { calls: 5, sid: client.sessionId })
  const passwords = { current_password: goodPassword, new_password: 'another good password 27' }
  await client.send('POST', '/password', { payload: passwords })
  t.match(payloadOf(client), { calls: 6, sid: client.sessionId })

  const id = await userIdOf(client)
  for (const { user, session } of subjects) {
    t.match(user, { id, email, roles: [], attributes: {}, createdAt: Number })
    t.match(session, { mode: 'body', device: 'phone', ip: '127.0.0.1', authTime: Number, amr: ['pwd'] })
  }
  t.equal(subjects.at(-1)?.session.id, client.sessionId, 'the id of the session that is about to begin')
})

t.test('introspection shows the claims of access and session tokens', async (t) => {
  answer = () => ({ plan: 'pro' })
  const { client } = await newPerson(app, 'body')
  const shown = await postForm(app, '/introspect', { token: client.accessToken })
  t.match(shown.json(), { active: true, token_type: 'Bearer', plan: 'pro', sub: String })
  const { client: other } = await newPerson(app, 'session')
  const token = [...other.cookies.values()][0] ?? ''
  t.match((await postForm(app, '/introspect', { token })).json(), { token_type: 'session_token', plan: 'pro' })
  const refreshToken = await postForm(app, '/introspect', { token: client.refreshToken })
  t.notHas(refreshToken.json(), { plan: 'pro' }, 'no API must accept a refresh token')
})

t.test('claims and attributes cannot say whether a token is active, or of which type', async (t) => {
  const { client } = await newPerson(app, 'body')
  for (const name of ['active', 'token_type', 'username']) {
    answer = () => ({ [name]: false })
    expectProblem(t, await refresh(client), 'unavailable')
    t.throws(() => loadConfig({ ...testEnvironment, TOKEN_ATTRIBUTES: name }), /TOKEN_ATTRIBUTES/)
  }
  answer = () => ({ tokenType: 'mine', userId: 'mine' })
  await refresh(client)
  const shown = (await postForm(app, '/introspect', { token: client.accessToken })).json()
  t.match(shown, { active: true, token_type: 'Bearer', tokenType: 'mine', userId: 'mine', sid: client.sessionId })
})

t.test('while the function fails, a server-side session still works at the routes of Latchkey', async (t) => {
  const { client, email } = await newPerson(app, 'session')
  await sql(database, `UPDATE "user" SET roles = '{admin}' WHERE id = $1::uuid`, await userIdOf(client))
  t.equal((await client.signIn(email, { path: '/login', mode: 'session' })).statusCode, 200)
  subjects = []
  answer = fail
  for (const url of ['/me', '/sessions', '/admin/users']) t.equal((await client.send('GET', url)).statusCode, 200, url)
  t.strictSame(subjects, [], 'they need no claims')
  const [token = ''] = client.cookies.values()
  expectProblem(t, await postForm(app, '/introspect', { token }), 'unavailable')
  t.equal((await client.send('DELETE', '/sessions')).statusCode, 200)
})

t.test('a call that fails after the session was written costs nobody the session', async (t) => {
  const strict = await open({ REFRESH_GRACE_SECONDS: '0', REFRESH_RECOVERY_GENERATIONS: '0' })
  const { client, email } = await newPerson(strict, 'body')
  const id = await userIdOf(client)
  let roles = 0
  const failAfterChange = async () => {
    if (subjects.length > 1) return fail()
    roles += 1
    await sql(database, 'UPDATE "user" SET roles = $1::text[] WHERE id = $2::uuid', `{r${roles}}`, id)
    return { permissions: 'of old roles' }
  }
  const expectExpired = async (response: { statusCode: number; json(): object }) => {
    t.match(response, { statusCode: 200 })
    t.match(response.json(), { expires_in: 0 })
    t.notHas(payloadOf(client), { permissions: 'of old roles' })
    t.equal((await client.send('GET', '/me')).json().code, 'token_expired', 'a token without its claims lets nobody in')
    answer = () => ({ permissions: 'new' })
    t.equal((await refresh(client)).statusCode, 200)
    t.match(payloadOf(client), { permissions: 'new', roles: [`r${roles}`] })
  }
  const payload = { password: goodPassword }
  for (const send of [
    () => refresh(client),
    () => client.send('POST', '/reauthenticate', { payload }),
    () => client.signIn(email, { path: '/login', mode: 'body' })
  ]) {
    subjects = []
    answer = failAfterChange
    await expectExpired(await send())
  }

  subjects = []
  answer = failAfterChange
  const denied = await client.signIn(email, { path: '/login', mode: 'access' })
  expectProblem(t, denied, 'unavailable')
})

t.test('a failure at a refresh is 503 and moves no row: the same token then rotates', async (t) => {
  const { client } = await newPerson(app, 'body')
  await age(database, client.sessionId, 60)
  const before = await rowsOf(client)
  for (const failing of [fail, () => Promise.reject(new Error('away')), () => ({ roles: ['admin'] })]) {
    answer = failing
    const response = await refresh(client)
    expectProblem(t, response, 'unavailable')
    t.ok(response.headers['retry-after'])
    t.strictSame(await rowsOf(client), before)
  }
  answer = () => ({ plan: 'pro' })
  const old = client.refreshToken
  t.equal((await refresh(client)).statusCode, 200)
  t.not(client.refreshToken, old)
  t.match(payloadOf(client), { plan: 'pro' })
})

t.test('a refresh without an answer in time is 503 and moves no row', async (t) => {
  const impatient = await open({}, 50)
  const { client } = await newPerson(impatient, 'body')
  const before = await rowsOf(client)
  answer = () => new Promise(() => undefined)
  expectProblem(t, await refresh(client), 'unavailable')
  t.strictSame(await rowsOf(client), before)
  answer = () => ({})
  t.equal((await refresh(client)).statusCode, 200)
})

t.test('a failure at a login leaves no session, and at a registration no account', async (t) => {
  const { email, client } = await newPerson(app, 'body')
  const countOf = async () => (await client.send('GET', '/sessions')).json().sessions.length
  answer = fail
  const denied = new Client(app)
  expectProblem(t, await denied.signIn(email, { path: '/login', mode: 'body' }), 'unavailable')
  t.equal(await countOf(), 1)
  const fresh = newEmail()
  expectProblem(t, await denied.signIn(fresh, { mode: 'body' }), 'unavailable')
  subjects = []
  expectProblem(t, await denied.signIn(email, { mode: 'body' }), 'email_taken')
  t.strictSame(subjects, [], 'the host is not asked about an address that has an account')
  answer = () => ({ plan: 'pro' })
  t.equal((await denied.signIn(fresh, { mode: 'body' })).statusCode, 201)
})

t.test('a failure at a re-authentication or a change of the password changes nothing', async (t) => {
  const { client, email } = await newPerson(app, 'body')
  answer = fail
  const payload = { current_password: goodPassword, new_password: 'another good password 27' }
  expectProblem(t, await client.send('POST', '/password', { payload }), 'unavailable')
  expectProblem(t, await client.send('POST', '/reauthenticate', { payload: { password: goodPassword } }), 'unavailable')
  t.equal((await client.send('GET', '/me')).statusCode, 200)
  answer = () => ({})
  t.equal((await new Client(app).signIn(email, { path: '/login', mode: 'body' })).statusCode, 200, 'the old password')
})

t.test('a failure at the confirmation of an address does not use up its link', async (t) => {
  const required = await open({ EMAIL_VERIFICATION: 'required' })
  const client = new Client(required)
  const email = newEmail()
  t.equal((await client.signIn(email, { mode: 'body' })).statusCode, 202)
  const { token } = await mailServer.mailTo(email)
  const confirm = () =>
    client.send('POST', '/email/verification/confirm', { bearer: false, payload: { token, mode: 'body' } })
  answer = fail
  expectProblem(t, await confirm(), 'unavailable')
  answer = () => ({ plan: 'pro' })
  t.equal((await confirm()).statusCode, 200)
  t.match(payloadOf(client), { plan: 'pro' })
  t.equal(subjects.at(-1)?.user.email, email)
})

t.test('an old token ends its session without a call', async (t) => {
  const strict = await open({ REFRESH_GRACE_SECONDS: '0' })
  const { client } = await newPerson(strict, 'body')
  const old = client.refreshToken
  await refresh(client)
  subjects = []
  answer = fail
  expectProblem(t, await refresh(client, old), 'session_ended', { reason: 'reuse_detected' })
  t.strictSame(subjects, [])
})

t.test(
  'a user who is disabled during the call gets no token, and the statement that moves the row decides',
  async (t) => {
    const { client } = await newPerson(app, 'body')
    const id = await userIdOf(client)
    answer = async () => {
      await sql(database, 'UPDATE "user" SET disabled_at = now() WHERE id = $1::uuid', id)
      return {}
    }
    expectProblem(t, await refresh(client), 'session_ended', { reason: 'user_disabled' })
  }
)

t.test('claims that were made of roles or attributes which change during the call go into no token', async (t) => {
  const { client } = await newPerson(app, 'body')
  const id = await userIdOf(client)
  await sql(database, 'UPDATE "user" SET roles = \'{boss}\' WHERE id = $1::uuid', id)
  answer = async ({ user }) => {
    if (user.roles.length > 0) await sql(database, 'UPDATE "user" SET roles = \'{}\' WHERE id = $1::uuid', id)
    return { permissions: user.roles, seen: user.attributes }
  }
  subjects = []
  t.equal((await refresh(client)).statusCode, 200)
  t.match(payloadOf(client), { roles: [], permissions: [] })
  t.equal(subjects.length, 2)
})

t.test('a refresh reads the session first, which is one more statement, and no other request costs more', async (t) => {
  const { client, email } = await newPerson(app, 'body')
  const { statements } = await database.countsOf(() => refresh(client))
  t.equal(statements, 2)
  const current = await database.countsOf(() => refresh(client))
  t.equal(current.statements, 1, 'the token is still current: the row says so')
  const login = await database.countsOf(() => client.signIn(email, { path: '/login', mode: 'body' }))
  t.equal(login.statements, 4, 'the account was read anyway')
})

t.test('simultaneous refreshes of one token share its successor, each with claims of its own call', async (t) => {
  const { client } = await newPerson(app, 'body')
  await age(database, client.sessionId, 60)
  let calls = 0
  let release = () => {}
  const gate = new Promise<void>((resolve) => (release = resolve))
  answer = async () => {
    calls += 1
    const call = calls
    if (call === 10) release()
    await gate
    return { call }
  }
  const responses = await Promise.all(
    Array.from({ length: 10 }, () =>
      app.inject({ method: 'POST', url: '/refresh', payload: { refresh_token: client.refreshToken } })
    )
  )
  t.ok(responses.every(({ statusCode }) => statusCode === 200))
  t.equal(new Set(responses.map((response) => response.json().refresh_token)).size, 1)
  t.equal(calls, 10, 'a request that lost the race keeps its claims: the account is the same')
  const own = responses.map((response) => {
    const [, payload = ''] = response.json().access_token.split('.')
    return JSON.parse(Buffer.from(payload, 'base64url').toString()).call
  })
  t.strictSame(
    own.sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  )
})

t.test('simultaneous refreshes of different sessions keep their own claims', async (t) => {
  answer = ({ user }) => ({ owner: user.email })
  const people = await Promise.all(Array.from({ length: 12 }, () => newPerson(app, 'body')))
  await Promise.all(people.map(({ client }) => refresh(client)))
  for (const { client, email } of people) t.match(payloadOf(client), { owner: email })
})

t.test('the attributes of TOKEN_ATTRIBUTES are in the token too, and the host wins over them', async (t) => {
  answer = ({ user }) => (user.attributes.own === true ? { tenant: 'of the host' } : {})
  const { client } = await newPerson(app, 'body')
  const id = await userIdOf(client)
  await setAttributes(id, { tenant: 'of the admin', other: 1 })
  await refresh(client)
  t.match(payloadOf(client), { tenant: 'of the admin' })
  t.notHas(payloadOf(client), { other: 1 })
  await setAttributes(id, { tenant: 'of the admin', own: true })
  await refresh(client)
  t.match(payloadOf(client), { tenant: 'of the host' })
})

t.test('a server-side session has the claims in request.auth, made once for each read of the session', async (t) => {
  const latchkey = (await import('../../../src/plugin.js')).pluginThatOpens
  const { openAdapters } = await import('../../../src/composition.js')
  const host = Fastify()
  t.teardown(() => host.close())
  await host.register(
    latchkey((config, overrides, log) => openAdapters(config, { ...overrides, database }, log)),
    {
      issuer: 'https://host.test',
      rootSecret: testEnvironment.ROOT_SECRET,
      bcryptCost: 4,
      rateLimitEnabled: false,
      claims: (subject) => {
        subjects.push(subject)
        return answer(subject)
      }
    }
  )
  host.get('/claims', { preHandler: host.latchkey.authenticate }, async ({ auth }) => auth.claims)
  answer = () => ({ plan: 'pro' })
  const { client } = await newPerson(host, 'session')
  t.strictSame(subjects, [], 'the login has no access token')
  t.strictSame((await client.send('GET', '/claims')).json(), { plan: 'pro' })
  t.strictSame((await client.send('GET', '/claims')).json(), { plan: 'pro' })
  t.equal(subjects.length, 1)
  const { client: bearer } = await newPerson(host, 'body')
  t.strictSame((await bearer.send('GET', '/claims')).json(), { plan: 'pro' }, 'the same with an access token')

  const { client: denied } = await newPerson(host, 'session')
  answer = fail
  expectProblem(t, await denied.send('GET', '/claims'), 'unavailable')
  answer = () => ({ plan: 'free' })
  t.strictSame((await denied.send('GET', '/claims')).json(), { plan: 'free' })
})
