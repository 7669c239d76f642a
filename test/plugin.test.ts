import type { FastifyPluginAsync } from 'fastify'
import t, { type Test } from 'tap'
import type { Mode } from '../src/core/vocabulary.js'
import { httpPlugin } from '../src/http/plugin.js'
import { Refused } from '../src/service/refused.js'
import { age, openTestDatabase } from './support/database.js'
import { newHost, openPluginOptions } from './support/host.js'
import { newEmail, newPerson, refreshCookie } from './support/http/people.js'
import { Client, goodPassword } from './support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const options = await openPluginOptions(t, database, { issuer: 'https://auth.test/auth' })

/** For a Latchkey that clients reach at this path. */
function optionsFor(t: Test, path: string) {
  return openPluginOptions(t, database, { issuer: `https://auth.test${path}` })
}

/** A host app with its own routes, some behind our guards. */
function guardedHost(t: Test) {
  const app = newHost(t)
  void app.register(httpPlugin, { ...options, prefix: '/auth' })
  const own: FastifyPluginAsync = async (scope) => {
    scope.get('/reports', { preHandler: scope.latchkey.authenticate }, async (request) => request.auth)
    scope.get(
      '/ops',
      { preHandler: [scope.latchkey.authenticate, scope.latchkey.requireRole('admin')] },
      async () => 'for admins'
    )
    scope.get('/misguarded', { preHandler: scope.latchkey.requireRole('admin') }, async () => 'without authenticate')
    scope.get('/unguarded', async (request) => request.auth)
    scope.get('/welcome', { preHandler: scope.latchkey.authenticateOptional }, async (request) => ({
      reader: scope.latchkey.authOf(request)?.userId ?? null
    }))
    scope.get('/unnamed', { preHandler: scope.latchkey.authenticateOptional }, async (request) => request.auth)
    scope.get(
      '/transfers',
      { preHandler: [scope.latchkey.authenticate, scope.latchkey.requireRecentLogin(60)] },
      async () => 'transferred'
    )
    scope.get('/open', async (request) => ({ auth: scope.latchkey.authOf(request) }))
  }
  void app.register(own)
  return app
}

for (const [prefix, place] of [
  ['', ''],
  ['/', ''],
  ['auth', '/auth'],
  ['/auth', '/auth'],
  ['/auth/', '/auth'],
  ['a/b/', '/a/b'],
  ['//a//b', '/a/b']
] as const) {
  t.test(`with the prefix "${prefix}" every route is under it, and nowhere else`, async (t) => {
    const app = newHost(t)
    await app.register(httpPlugin, { ...(await optionsFor(t, place)), prefix })
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
    const specification = (await client.send('GET', `${place}/openapi.json`)).json()
    t.strictSame(specification.servers, [{ url: `https://auth.test${place}` }])
    t.ok('/me' in specification.paths, 'relative to the server')
    const page = (await client.send('GET', `${place}/docs`)).body
    for (const [, link = ''] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const { pathname } = new URL(link, `https://host.test${place}/docs`)
      t.equal((await client.send('GET', pathname)).statusCode, 200, `a file of the page: ${pathname}`)
    }
    if (place !== '') t.equal((await client.send('GET', '/me')).statusCode, 404)
  })
}

t.test('inside a prefixed plugin of the host, the prefixes add up', async (t) => {
  const app = newHost(t)
  const versioned: FastifyPluginAsync = async (scope) => {
    await scope.register(httpPlugin, { ...(await optionsFor(t, '/v1/auth')), prefix: 'auth' })
  }
  await app.register(versioned, { prefix: '/v1/' })
  const response = await app.inject('/v1/auth/me')
  t.equal(response.json().type, '/v1/auth/docs/errors.md#missing_credentials')
  const metadata = await app.inject('/.well-known/oauth-authorization-server/v1/auth')
  t.equal(metadata.json().issuer, 'https://auth.test/v1/auth', 'at the root of the host, as RFC 8414 §3.1 asks')
  t.notOk(app.hasDecorator('latchkey'), 'the host outside that plugin gains nothing')
})

t.test(
  'the app gains app.latchkey.sessions, app.latchkey.authenticate, app.latchkey.requireRole and request.auth, and nothing else',
  async (t) => {
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
    const gained = (before: readonly string[], after: readonly string[]) =>
      after.filter((name) => !before.includes(name))
    t.strictSame(gained(bare.app, host.app).sort(), ['latchkey'])
    t.strictSame(gained(bare.onRequest, host.onRequest), ['auth'])
    t.strictSame(gained(bare.onReply, host.onReply), [])
  }
)

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

t.test('app.latchkey.sessions ends sessions without HTTP, at once', async (t) => {
  const app = newHost(t)
  await app.register(httpPlugin, options)
  const { client } = await newPerson(app)
  const userId = (await client.send('GET', '/me')).json().id

  t.match(await app.latchkey.sessions.sessionsOfUser(userId), [{ id: client.sessionId, userId }])
  await app.latchkey.sessions.endSession(client.sessionId, 'left the company')
  t.equal((await client.send('GET', '/me')).json().code, 'session_revoked')
  t.equal((await client.send('POST', '/refresh')).json().reason, 'revoked_by_admin')
  t.match((await options.ports.events.list({ userId, type: 'session_ended' }, { limit: 1 })).items, [
    { reason: 'revoked_by_admin', note: 'left the company' }
  ])
  await t.rejects(app.latchkey.sessions.endSession(client.sessionId), new Refused('not_found'))
  await t.rejects(
    app.latchkey.sessions.sessionsOfUser('00000000-0000-4000-8000-000000000000'),
    new Refused('not_found')
  )

  const { client: second } = await newPerson(app)
  const secondId = (await second.send('GET', '/me')).json().id
  t.equal(await app.latchkey.sessions.endSessionsOfUser(secondId), 1)
  t.equal((await second.send('GET', '/me')).json().code, 'session_revoked')

  const { client: third } = await newPerson(app)
  t.ok((await app.latchkey.sessions.endEverybodysSessions()) >= 1)
  t.equal((await third.send('GET', '/me')).json().code, 'session_revoked')
  t.equal((await third.send('POST', '/refresh')).json().reason, 'revoked_by_admin')
  t.notOk(third.cookies.has(refreshCookie))
})

t.test('a second registration in one app is refused with a reason', async (t) => {
  const app = newHost(t)
  await app.register(httpPlugin, { ...options, prefix: '/auth' })
  await t.rejects(async () => app.register(httpPlugin, { ...options, prefix: '/other' }), {
    message: /^This app already has app\.latchkey/
  })
})

t.test('a host keeps its own request.auth, and reads the user by authOf', async (t) => {
  const lines: string[] = []
  const app = newHost(t, { logger: { level: 'warn', stream: { write: (line) => void lines.push(line) } } })
  app.decorateRequest<string, string>('auth', 'the auth of the host')
  await app.register(httpPlugin, { ...options, prefix: '/auth' })
  app.get('/own', { preHandler: app.latchkey.authenticate }, async (request) => ({
    own: request.auth,
    userId: app.latchkey.authOf(request)?.userId
  }))
  t.match(lines, [/app\.latchkey\.authOf/])
  const client = await personOf(app, 'body')
  const userId = (await client.send('GET', '/auth/me')).json().id
  t.strictSame((await client.send('GET', '/own')).json(), { own: 'the auth of the host', userId })
})

t.test('request.auth throws on a route without a guard, and where nobody is signed in', async (t) => {
  const app = guardedHost(t)
  app.setErrorHandler((error, _request, reply) => reply.code(500).send(error instanceof Error && error.message))
  t.match((await app.inject('/unguarded')).body, /without a guard/)
  t.match((await app.inject('/unnamed')).body, /nobody is signed in/)
})

t.test('authenticateOptional lets strangers pass, and refuses a Bearer token that is not good', async (t) => {
  const app = guardedHost(t)
  await app.ready()
  t.strictSame((await app.inject('/welcome')).json(), { reader: null })
  t.equal((await app.inject({ url: '/welcome', headers: { authorization: 'Bearer x' } })).json().code, 'invalid_token')
  for (const mode of ['body', 'session'] as const) {
    const client = await personOf(app, mode)
    const reader = (await client.send('GET', '/auth/me')).json().id
    t.strictSame((await client.send('GET', '/welcome')).json(), { reader }, mode)
  }
})

t.test('authenticateOptional lets a browser pass whose session has ended', async (t) => {
  const app = guardedHost(t)
  await app.ready()
  const client = await personOf(app, 'session')
  await app.latchkey.sessions.endSession(client.sessionId)
  t.strictSame((await client.send('GET', '/welcome')).json(), { reader: null })
  t.equal((await client.send('GET', '/reports')).json().code, 'session_revoked')
})

t.test('requireRecentLogin asks for a newer login', async (t) => {
  const app = guardedHost(t)
  await app.ready()
  t.equal((await (await personOf(app, 'session')).send('GET', '/transfers')).statusCode, 200)
  const client = await personOf(app, 'session')
  await age(database, client.sessionId, 61)
  const response = await client.send('GET', '/transfers')
  t.equal(response.json().code, 'insufficient_user_authentication')
  t.equal(response.headers['www-authenticate'], 'Bearer error="insufficient_user_authentication", max_age="60"')
})

t.test('two registrations work, each in its own plugin', async (t) => {
  const app = newHost(t)
  for (const prefix of ['/staff', '/public']) {
    const tenant: FastifyPluginAsync = async (scope) => {
      await scope.register(httpPlugin, { ...(await optionsFor(t, prefix)), prefix })
      scope.get(`${prefix}/reports`, { preHandler: scope.latchkey.authenticate }, async () => 'read')
    }
    await app.register(tenant)
  }
  for (const prefix of ['/staff', '/public']) {
    t.equal((await app.inject(`${prefix}/reports`)).json().type, `${prefix}/docs/errors.md#missing_credentials`)
    t.equal((await app.inject(`${prefix}/healthz`)).statusCode, 200)
  }
})

/** A new user of the plugin under `/auth`. */
async function personOf(app: ReturnType<typeof newHost>, mode: Mode): Promise<Client> {
  const client = new Client(app)
  await client.send('POST', '/auth/register', { payload: { email: newEmail(), password: goodPassword, mode } })
  return client
}

async function userIdOf(app: ReturnType<typeof newHost>, accessToken: string): Promise<string> {
  const { json } = await app.inject({ url: '/auth/me', headers: { authorization: `Bearer ${accessToken}` } })
  return json().id
}
