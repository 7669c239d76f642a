import type { FastifyPluginAsync } from 'fastify'
import t, { type Test } from 'tap'
import { httpPlugin } from '../src/http/plugin.js'
import { Refused } from '../src/service/refused.js'
import { openTestDatabase } from './support/database.js'
import { newHost, openPluginOptions } from './support/host.js'
import { newEmail, newPerson, refreshCookie } from './support/http/people.js'
import { Client, goodPassword } from './support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const options = await openPluginOptions(t, database)

/** A host app with its own routes, some behind our guards. */
function guardedHost(t: Test) {
  const app = newHost(t)
  void app.register(httpPlugin, { ...options, prefix: '/auth' })
  const own: FastifyPluginAsync = async (scope) => {
    scope.get('/reports', { preHandler: scope.authenticate }, async (request) => request.auth)
    scope.get('/ops', { preHandler: [scope.authenticate, scope.requireRole('admin')] }, async () => 'for admins')
    scope.get('/misguarded', { preHandler: scope.requireRole('admin') }, async () => 'without authenticate')
    scope.get('/open', async (request) => ({ auth: request.auth }))
  }
  void app.register(own)
  return app
}

for (const prefix of ['', '/auth', '/auth/', '/a/b']) {
  const place = prefix.replace(/\/$/, '')
  t.test(`with the prefix "${prefix}" every route is under it, and nowhere else`, async (t) => {
    const app = newHost(t)
    await app.register(httpPlugin, { ...options, prefix })
    await app.ready()

    const client = new Client(app)
    const payload = { email: newEmail(), password: goodPassword }
    t.equal((await client.send('POST', `${place}/register`, { payload })).statusCode, 201)
    t.equal((await client.send('POST', `${place}/refresh`)).statusCode, 200)
    t.equal((await client.send('GET', `${place}/me`)).statusCode, 200)
    const problem = await client.send('GET', `${place}/admin/users`)
    t.equal(problem.json().type, `${place}/docs/errors.md#insufficient_scope`)
    t.equal(
      (await client.send('GET', problem.json().type.split('#')[0])).statusCode,
      200,
      'the URL in the problem type exists'
    )
    t.ok(`${place}/me` in (await client.send('GET', `${place}/openapi.json`)).json().paths)
    t.equal((await client.send('GET', `${place}/docs/static/swagger-ui.css`)).statusCode, 200)
    if (place !== '') t.equal((await client.send('GET', '/me')).statusCode, 404)
  })
}

t.test('inside a prefixed plugin of the host, the prefixes add up', async (t) => {
  const app = newHost(t)
  const versioned: FastifyPluginAsync = async (scope) => {
    await scope.register(httpPlugin, { ...options, prefix: '/auth' })
  }
  await app.register(versioned, { prefix: '/v1' })
  const response = await app.inject('/v1/auth/me')
  t.equal(response.json().type, '/v1/auth/docs/errors.md#missing_credentials')
  t.notOk(app.hasDecorator('authenticate'), 'the host outside that plugin gains nothing')
})

t.test('the app gains app.auth, app.authenticate, app.requireRole and request.auth, and nothing else', async (t) => {
  const namesOf = (object: object) => Reflect.ownKeys(object).filter((key) => typeof key === 'string')
  const seen = async (register: boolean) => {
    const app = newHost(t)
    if (register) await app.register(httpPlugin, { ...options, prefix: '/auth' })
    let onRequest: string[] = []
    let onReply: string[] = []
    app.get('/seen', async (request, reply) => {
      onRequest = [...namesOf(request), ...namesOf(Object.getPrototypeOf(request))]
      onReply = [...namesOf(reply), ...namesOf(Object.getPrototypeOf(reply))]
      return 'seen'
    })
    await app.inject('/seen')
    return { app: namesOf(app), onRequest, onReply }
  }
  const [bare, host] = [await seen(false), await seen(true)]
  const gained = (before: readonly string[], after: readonly string[]) => after.filter((name) => !before.includes(name))
  t.strictSame(gained(bare.app, host.app).sort(), ['auth', 'authenticate', 'requireRole'])
  t.strictSame(gained(bare.onRequest, host.onRequest), ['auth'])
  t.strictSame(gained(bare.onReply, host.onReply), [])
})

t.test('the guards protect routes of the host, and answer as on our own routes', async (t) => {
  const app = guardedHost(t)
  await app.ready()

  const anonymous = await app.inject('/reports')
  t.equal(anonymous.statusCode, 401)
  t.equal(anonymous.headers['www-authenticate'], 'Bearer')
  t.equal(anonymous.headers['content-type'], 'application/problem+json; charset=utf-8')
  t.match(anonymous.json(), { code: 'missing_credentials', type: '/auth/docs/errors.md#missing_credentials' })

  const refused = await app.inject({ url: '/reports', headers: { authorization: 'Bearer x' } })
  t.equal(refused.headers['www-authenticate'], 'Bearer error="invalid_token"')

  const { json } = await app.inject({
    method: 'POST',
    url: '/auth/register',
    payload: { email: 'host@example.org', password: goodPassword, mode: 'body' }
  })
  const headers = { authorization: `Bearer ${json().access_token}` }
  const reports = await app.inject({ url: '/reports', headers })
  t.match(reports.json(), { sessionId: json().session_id, roles: [], amr: ['pwd'] })

  const ops = await app.inject({ url: '/ops', headers })
  t.equal(ops.statusCode, 403)
  t.equal(ops.headers['www-authenticate'], 'Bearer error="insufficient_scope"')
  t.equal(ops.json().code, 'insufficient_scope')

  const misguarded = await app.inject({ url: '/misguarded', headers })
  t.equal(misguarded.json().code, 'missing_credentials', 'requireRole without authenticate refuses everybody')
  t.strictSame((await app.inject({ url: '/open', headers })).json(), { auth: null })
})

t.test('each request has its own request.auth', async (t) => {
  const app = guardedHost(t)
  await app.ready()
  const { json } = await app.inject({
    method: 'POST',
    url: '/auth/register',
    payload: { email: 'anew@example.org', password: goodPassword, mode: 'body' }
  })
  const headers = { authorization: `Bearer ${json().access_token}` }
  const [own, anonymous] = await Promise.all([app.inject({ url: '/reports', headers }), app.inject('/open')])
  t.equal(own.statusCode, 200)
  t.strictSame(anonymous.json(), { auth: null })
})

t.test('an admin passes requireRole', async (t) => {
  const app = guardedHost(t)
  await app.ready()
  const signIn = (path: string) =>
    app.inject({
      method: 'POST',
      url: `/auth/${path}`,
      payload: { email: 'ops@example.org', password: goodPassword, mode: 'body' }
    })
  const user = await options.ports.users.find(await userIdOf(app, (await signIn('register')).json().access_token))
  await options.ports.users.update(user?.id ?? '', { roles: ['admin'] }, {})
  const headers = { authorization: `Bearer ${(await signIn('login')).json().access_token}` }
  t.equal((await app.inject({ url: '/ops', headers })).body, 'for admins')
})

t.test('app.auth ends sessions without HTTP, at once', async (t) => {
  const app = newHost(t)
  await app.register(httpPlugin, options)
  const { client } = await newPerson(app)
  const userId = (await client.send('GET', '/me')).json().id

  t.match(await app.auth.sessionsOfUser(userId), [{ id: client.sessionId, userId }])
  await app.auth.endSession(client.sessionId, 'left the company')
  t.equal((await client.send('GET', '/me')).json().code, 'session_revoked')
  t.equal((await client.send('POST', '/refresh')).json().reason, 'revoked_by_admin')
  t.match((await options.ports.events.list({ userId, type: 'session_ended' }, { limit: 1 })).items, [
    { reason: 'revoked_by_admin', note: 'left the company' }
  ])
  await t.rejects(app.auth.endSession(client.sessionId), new Refused('not_found'))
  await t.rejects(app.auth.sessionsOfUser('00000000-0000-4000-8000-000000000000'), new Refused('not_found'))

  const { client: second } = await newPerson(app)
  const secondId = (await second.send('GET', '/me')).json().id
  t.equal(await app.auth.endSessionsOfUser(secondId), 1)
  t.equal((await second.send('GET', '/me')).json().code, 'session_revoked')

  const { client: third } = await newPerson(app)
  t.ok((await app.auth.endEverybodysSessions()) >= 1)
  t.equal((await third.send('GET', '/me')).json().code, 'session_revoked')
  t.equal((await third.send('POST', '/refresh')).json().reason, 'revoked_by_admin')
  t.notOk(third.cookies.has(refreshCookie))
})

t.test('a second registration in one app is refused with a reason', async (t) => {
  const app = newHost(t)
  await app.register(httpPlugin, { ...options, prefix: '/auth' })
  await t.rejects(async () => app.register(httpPlugin, { ...options, prefix: '/other' }), {
    message: /^Latchkey adds app\.auth, but this app already has it/
  })
})

t.test('a name that another plugin already uses is refused with a reason', async (t) => {
  const app = newHost(t)
  app.decorate('requireRole', () => async () => {})
  await t.rejects(async () => app.register(httpPlugin, options), { message: /^Latchkey adds app\.requireRole/ })
})

t.test('two registrations work, each in its own plugin', async (t) => {
  const app = newHost(t)
  for (const prefix of ['/staff', '/public']) {
    const tenant: FastifyPluginAsync = async (scope) => {
      await scope.register(httpPlugin, { ...options, prefix })
      scope.get(`${prefix}/reports`, { preHandler: scope.authenticate }, async () => 'read')
    }
    await app.register(tenant)
  }
  for (const prefix of ['/staff', '/public']) {
    t.equal((await app.inject(`${prefix}/reports`)).json().type, `${prefix}/docs/errors.md#missing_credentials`)
    t.equal((await app.inject(`${prefix}/healthz`)).statusCode, 200)
  }
})

async function userIdOf(app: ReturnType<typeof newHost>, accessToken: string): Promise<string> {
  const { json } = await app.inject({ url: '/auth/me', headers: { authorization: `Bearer ${accessToken}` } })
  return json().id
}
