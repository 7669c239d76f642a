import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { type Mode, modes } from '../../src/core/vocabulary.js'
import latchkey, { type LatchkeyOptions } from '../../src/index.js'
import { type PersonOptions, signedInAs } from '../../src/testing/index.js'
import verifier from '../../src/verifier/index.js'
import { serverUrl, testDataFolder, testSchema } from '../support/database.js'
import { newHost, testOptions } from '../support/host.js'

/** A host whose tests sign people in. */
async function openHost(t: Test, options: Partial<LatchkeyOptions> = {}): Promise<FastifyInstance> {
  const app = newHost(t)
  const database = 'databaseUrl' in options ? {} : { dataDir: await testDataFolder(t) }
  await app.register(latchkey, { ...testOptions, prefix: '/auth', rateLimitEnabled: false, ...database, ...options })
  const { authenticate, requireRole, requireScope, requireRecentLogin, clientOf } = app.latchkey
  app.get('/own', { preHandler: authenticate }, async ({ auth }) => auth)
  app.get('/ops', { preHandler: [authenticate, requireRole('admin')] }, async () => 'ops')
  app.get('/recent', { preHandler: [authenticate, requireRecentLogin(300)] }, async () => 'recent')
  app.post('/own', { preHandler: authenticate }, async () => 'changed')
  app.get('/export', { preHandler: requireScope('reports:read') }, async (request) => clientOf(request))
  return app
}

const statusOf = async (app: FastifyInstance, url: string, headers: Readonly<Record<string, string>>) =>
  (await app.inject({ url, headers })).statusCode

const app = await openHost(t, { tokenAttributes: ['plan'] })

for (const mode of modes) {
  t.test(`${mode}: the person is signed in, and the end of the session signs them out`, async (t) => {
    const ada = await signedInAs(app, { mode, device: 'phone', amr: ['fed', 'mfa'] })
    t.equal(ada.accessToken === undefined, mode === 'session')
    t.equal(ada.refreshToken !== undefined, mode === 'body')
    const { headers, userId, sessionId } = ada
    t.match((await app.inject({ url: '/own', headers })).json(), { userId, sessionId, roles: [], amr: ['fed', 'mfa'] })
    t.equal((await app.inject({ method: 'POST', url: '/own', headers })).statusCode, 200)
    t.match((await app.inject({ url: '/auth/me', headers })).json(), { id: userId, session_id: sessionId })
    const { sessions } = (await app.inject({ url: '/auth/sessions', headers })).json()
    t.match(sessions, [{ id: sessionId, mode, device: 'phone', current: true }])
    await app.latchkey.sessions.endSession(sessionId)
    t.equal((await app.inject({ url: '/own', headers })).json().code, 'session_revoked')
  })

  t.test(`${mode}: cookies are those of a login`, async (t) => {
    const names = {
      cookie: ['__Host-refresh_token', '__Host-device'],
      body: [],
      session: ['__Host-session', '__Host-device'],
      access: ['__Host-device']
    }
    const { cookies, headers } = await signedInAs(app, { mode })
    t.strictSame(
      cookies.map(({ name }) => name),
      names[mode]
    )
    for (const cookie of cookies) t.match(cookie, { httpOnly: true, secure: true, sameSite: 'Strict' })
    const sent = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    t.equal(headers.cookie, sent === '' ? undefined : sent)
  })
}

t.test('a person refreshes by the headers, or in body mode by the refresh token', async (t) => {
  const ada = await signedInAs(app)
  const refresh = { method: 'POST', url: '/auth/refresh' } as const
  const refreshed = await app.inject({ ...refresh, headers: ada.headers })
  t.match(refreshed.json(), { session_id: ada.sessionId })
  t.equal(refreshed.cookies[0]?.name, '__Host-refresh_token')
  const phone = await signedInAs(app, { mode: 'body' })
  const inBody = await app.inject({ ...refresh, payload: { refresh_token: phone.refreshToken } })
  t.match(inBody.json(), { session_id: phone.sessionId, refresh_token: /^lk_rt_/ })
})

t.test('a person has the roles and attributes that the test names, on the first token', async (t) => {
  const ada = await signedInAs(app, { roles: ['admin', 'editor'], attributes: { plan: 'pro', seat: 7 } })
  t.equal(await statusOf(app, '/ops', ada.headers), 200)
  t.match((await app.inject({ url: '/own', headers: ada.headers })).json(), {
    roles: ['admin', 'editor'],
    claims: { plan: 'pro' }
  })
  t.match(await app.latchkey.users.find({ id: ada.userId }), { attributes: { plan: 'pro', seat: 7 } })
  const grace = await signedInAs(app)
  t.equal(await statusOf(app, '/ops', grace.headers), 403)
})

t.test('signedInAs finds an account by id, address or external id, and makes one for the last two', async (t) => {
  const byEmail = await signedInAs(app, { email: 'ada@example.com', roles: ['editor'] })
  const again = await signedInAs(app, { email: 'ADA@example.com' })
  const byId = await signedInAs(app, { userId: byEmail.userId, roles: ['reader'] })
  t.equal(again.userId, byEmail.userId)
  t.equal(byId.userId, byEmail.userId)
  t.match(await app.latchkey.users.find({ email: 'ada@example.com' }), { roles: ['reader'], externalId: null })
  t.equal(new Set([byEmail, again, byId].map(({ sessionId }) => sessionId)).size, 3)

  const external = await signedInAs(app, { externalId: 'cn=grace', email: 'grace@example.com' })
  t.equal((await signedInAs(app, { externalId: 'cn=grace' })).userId, external.userId)
  t.match(await app.latchkey.users.find({ externalId: 'cn=grace' }), { email: 'grace@example.com' })
  await t.rejects(signedInAs(app, { externalId: 'cn=other', email: 'ada@example.com' }), { code: 'email_taken' })
  for (const userId of ['nobody', '00000000-0000-4000-8000-000000000000'])
    await t.rejects(signedInAs(app, { userId }), { code: 'not_found' })
})

t.test('simultaneous calls of signedInAs for one address sign in one account', async (t) => {
  const people = await Promise.all(Array.from({ length: 5 }, () => signedInAs(app, { email: 'crowd@example.com' })))
  t.equal(new Set(people.map(({ userId }) => userId)).size, 1)
})

t.test('requireRecentLogin judges a person by the authTime that the test gives', async (t) => {
  const now = Math.floor(Date.now() / 1000)
  for (const mode of modes) {
    const [old, recent] = [await signedInAs(app, { mode, authTime: now - 600 }), await signedInAs(app, { mode })]
    const refused = await app.inject({ url: '/recent', headers: old.headers })
    t.equal(refused.json().code, 'insufficient_user_authentication', mode)
    t.equal(await statusOf(app, '/recent', recent.headers), 200, mode)
    t.equal((await app.inject({ url: '/own', headers: old.headers })).json().authTime, now - 600, mode)
  }
})

t.test('with scopes a new machine client is signed in, until it is deleted', async (t) => {
  const [reader, other] = [
    await signedInAs(app, { scopes: ['reports:read', 'x'] }),
    await signedInAs(app, { scopes: ['x'] })
  ]
  const read = await app.inject({ url: '/export', headers: reader.headers })
  t.strictSame(read.json(), { clientId: reader.clientId, scopes: ['reports:read', 'x'] })
  t.equal(await statusOf(app, '/export', other.headers), 403)
  t.equal(await statusOf(app, '/own', reader.headers), 403, 'a machine is no person')
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  const authorization = `Basic ${btoa(`${reader.clientId}:${reader.clientSecret}`)}`
  const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
  t.equal((await app.inject({ method: 'POST', url: '/auth/token', headers, payload: `${form}` })).statusCode, 200)
  const admin = await signedInAs(app, { roles: ['admin'] })
  const url = `/auth/admin/clients/${reader.clientId}`
  t.equal((await app.inject({ method: 'DELETE', url, headers: admin.headers })).statusCode, 204)
  t.equal((await app.inject({ url: '/export', headers: reader.headers })).json().code, 'session_revoked')
})

t.test('whileSignedIn ends a WebSocket of a person whom signedInAs has signed in', async (t) => {
  const ada = await signedInAs(app)
  const ended = new Promise((resolve) => app.latchkey.whileSignedIn(ada.accessToken, { onEnd: resolve }))
  await app.latchkey.sessions.endSession(ada.sessionId)
  t.equal(await ended, 'revoked_by_admin')
})

t.test('the headers of signedInAs work with fetch too', async (t) => {
  const app = await openHost(t)
  const { headers, userId } = await signedInAs(app, { mode: 'session' })
  const url = `${await app.listen()}/own`
  t.match(await (await fetch(url, { headers })).json(), { userId })
  t.equal((await fetch(url, { headers, method: 'POST' })).status, 200)
})

t.test("the host's claims are on the token, and its hook learns of the new account", async (t) => {
  const { promise: created, resolve } = withResolvers<string>()
  const app = await openHost(t, {
    claims: ({ user, session }) => ({ for: user.id, since: session.authTime }),
    onUserCreated: ({ userId }) => resolve(userId)
  })
  const { headers, userId } = await signedInAs(app, { authTime: 1_700_000_000 })
  t.match((await app.inject({ url: '/own', headers })).json(), { claims: { for: userId, since: 1_700_000_000 } })
  t.equal(await created, userId)
})

t.test('signedInAs makes accounts with REGISTRATION=closed and with PASSWORD_LOGIN=off', async (t) => {
  const app = await openHost(t, { registration: 'closed', passwordLogin: false })
  t.equal(await statusOf(app, '/own', (await signedInAs(app)).headers), 200)
})

t.test('the cookies of signedInAs have the names that the settings of the app ask for', async (t) => {
  const app = await openHost(t, { cookieSecure: false, cookieSameSite: 'lax', cookieNameSuffix: 'notes' })
  const { headers, cookies } = await signedInAs(app, { mode: 'session' })
  t.match(cookies[0], { name: 'session_notes', secure: false, sameSite: 'Lax' })
  t.equal(await statusOf(app, '/own', headers), 200)
})

t.test('signedInAs works the same on a PostgreSQL server', async (t) => {
  if (serverUrl === undefined) return t.pass('what needs a PostgreSQL server', { skip: 'TEST_DATABASE_URL is not set' })
  const app = await openHost(t, { databaseUrl: await testSchema(t) })
  const ada = await signedInAs(app, { roles: ['admin'] })
  t.equal(await statusOf(app, '/ops', ada.headers), 200)
  const machine = await signedInAs(app, { scopes: ['reports:read'] })
  t.equal(await statusOf(app, '/export', machine.headers), 200)
})

t.test('a mistake in the options of signedInAs is named, and no account is made', async (t) => {
  const before = (await app.latchkey.users.list({ limit: 200 })).items.length
  const wrong: readonly [object, RegExp][] = [
    [{ role: ['admin'] }, /^signedInAs: role does not exist$/],
    [{ roles: 'admin' }, /^signedInAs: roles must/],
    [{ roles: ['Admin'] }, /^signedInAs: roles must/],
    [{ amr: [] }, /^signedInAs: amr must/],
    [{ authTime: Date.now() }, /^signedInAs: authTime must/],
    [{ userId: 'x', externalId: 'y' }, /^signedInAs needs either userId or externalId/],
    [{ scopes: ['x'], roles: ['admin'] }, /^signedInAs: a machine client has scopes, and no roles\.$/],
    [{ scopes: 'x' }, /^signedInAs: scopes must be a list of texts\.$/]
  ]
  for (const [options, message] of wrong) {
    await t.rejects(signedInAs(app, options as PersonOptions), { name: 'TypeError', message })
  }
  await t.rejects(signedInAs(app, { mode: 'token' as Mode }), { code: 'invalid_request' })
  await t.rejects(signedInAs(app, { email: 'x' }), { code: 'invalid_request' })
  await t.rejects(signedInAs(app, { externalId: 'a\0b' }), { code: 'invalid_request' })
  await t.rejects(signedInAs(app, { scopes: ['a b'] }), { code: 'invalid_request' })
  t.equal((await app.latchkey.users.list({ limit: 200 })).items.length, before)
})

t.test('an app without the plugin, and a copy of app.latchkey, sign nobody in', async (t) => {
  await t.rejects(signedInAs(newHost(t)), { name: 'TypeError', message: /has no app\.latchkey/ })
  const service = newHost(t)
  await service.register(verifier, { issuer: 'https://issuer.test', audience: 'x', warn: () => undefined })
  await t.rejects(signedInAs(service), { name: 'TypeError', message: /use testIssuer/ })
  const copy = { ready: async () => undefined, latchkey: { ...app.latchkey } }
  await t.rejects(signedInAs(copy), { name: 'TypeError', message: /is not that of the Latchkey plugin/ })
})

function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve: (value: T) => resolve(value) }
}
