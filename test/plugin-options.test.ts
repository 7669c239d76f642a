import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { FolderTaken } from '../src/adapters/embedded/embedded-database.js'
import latchkey, { type Auth, ConfigError, type LatchkeyOptions, type SessionControl } from '../src/index.js'
import { serverUrl, testDataFolder, testSchema } from './support/database.js'
import { newHost, testOptions } from './support/host.js'
import { newPerson } from './support/http/people.js'
import { goodPassword } from './support/service.js'

/** A host app with Latchkey on a new data folder. */
async function embeddedHost(t: Test, options: Partial<LatchkeyOptions> = {}): Promise<FastifyInstance> {
  const app = newHost(t)
  await app.register(latchkey, { ...testOptions, dataDir: await testDataFolder(t), ...options })
  return app
}

t.test('a host registers the plugin by options, and gets what its types promise', async (t) => {
  const app = await embeddedHost(t, { accessTokenTtlSeconds: 60 })
  const control: SessionControl = app.latchkey.sessions
  app.get(
    '/reports',
    { preHandler: [app.latchkey.authenticate, app.latchkey.requireRole('reader')] },
    async (request) => {
      const auth: Auth | null = request.auth
      return auth?.userId
    }
  )

  const { client } = await newPerson(app)
  t.equal((await client.send('GET', '/reports')).json().code, 'insufficient_scope')
  t.equal((await client.send('POST', '/refresh')).json().expires_in, 60)
  await control.endSession(client.sessionId)
  t.equal((await client.send('GET', '/me')).json().code, 'session_revoked')
})

t.test('environment variables are not read', async (t) => {
  const before = { ...process.env }
  t.teardown(() => {
    process.env = before
  })
  process.env.DATABASE_URL = 'postgresql://nobody@127.0.0.1:1/nothing'
  process.env.MODES = 'access'
  const app = await embeddedHost(t)
  t.equal((await newPerson(app, 'cookie')).client.cookies.size, 1)
})

t.test('closing the host frees the data folder', async (t) => {
  const dataDir = await testDataFolder(t)
  const first = await embeddedHost(t, { dataDir })
  const second = newHost(t)
  await t.rejects(async () => second.register(latchkey, { ...testOptions, dataDir }), FolderTaken)

  const { client, email } = await newPerson(first)
  await first.close()
  const third = await embeddedHost(t, { dataDir })
  const login = await third.inject({ method: 'POST', url: '/login', payload: { email, password: goodPassword } })
  t.equal(login.statusCode, 200)
  t.not(login.json().session_id, client.sessionId)
})

t.test('if registering fails, the data folder is free after the host closes', async (t) => {
  const dataDir = await testDataFolder(t)
  const app = Fastify()
  app.decorate<object, string>('latchkey', {})
  await t.rejects(async () => app.register(latchkey, { ...testOptions, dataDir }), {
    message: /^This app already has app\.latchkey/
  })
  await app.close()
  t.equal((await (await embeddedHost(t, { dataDir })).inject('/readyz')).statusCode, 200)
})

t.test('adminEmail and adminPassword create the first admin', async (t) => {
  const app = await embeddedHost(t, { adminEmail: 'ops@example.org', adminPassword: goodPassword })
  const payload = { email: 'ops@example.org', password: goodPassword, mode: 'body' }
  const { access_token } = (await app.inject({ method: 'POST', url: '/login', payload })).json()
  const headers = { authorization: `Bearer ${access_token}` }
  t.match((await app.inject({ url: '/me', headers })).json(), { roles: ['admin'] })
})

t.test('a refused adminPassword is reported by the name of the option', async (t) => {
  const error = await embeddedHost(t, { adminEmail: 'ops@example.org', adminPassword: 'short' }).catch((error) => error)
  t.match(error, { name: 'ConfigError', message: /adminPassword is refused as password_too_short/ })
})

t.test('all mistakes are reported at once, by the names of the options', async (t) => {
  const options = {
    accessTokenTtlSeconds: '600',
    jwtAlg: 'none',
    rootSecret: ['short'],
    databaseURL: 'postgresql://127.0.0.1/x',
    prefx: '/auth',
    rootSecrets: ['a secret'],
    colour: 'red',
    port: 3000,
    notThere: undefined,
    adminEmail: 'ops@example.org',
    modes: []
  }
  const error = await newHost(t)
    .register(latchkey, Object.assign({ issuer: undefined }, options as object))
    .then(
      () => undefined,
      (reason: unknown) => reason
    )
  if (!(error instanceof ConfigError)) return t.fail('the error is a ConfigError')
  t.strictSame(
    error.problems.map((problem) => problem.split(' ')[0]),
    [
      'issuer',
      'jwtAlg',
      'accessTokenTtlSeconds',
      'modes',
      'rootSecret',
      'adminEmail',
      'databaseURL',
      'prefx',
      'rootSecrets',
      'colour',
      'port'
    ]
  )
  t.match(error.message, 'accessTokenTtlSeconds must be a whole number from 1 to 86400')
  t.match(error.message, 'issuer is required: the address at which clients reach the routes')
  t.match(error.message, 'databaseURL is not an option. Did you mean databaseUrl?')
  t.match(error.message, 'prefx is not an option. Did you mean prefix?')
  t.match(error.message, 'rootSecrets is not an option. Did you mean rootSecret?')
  t.match(error.message, 'colour is not an option. docs/configuration.md lists the settings.')
  t.match(error.message, 'port is not an option of the plugin: it is a matter of your own app.')
  t.notMatch(error.message, 'short')
})

t.test('an option that must be a function and is none is named, together with the others', async (t) => {
  const options = {
    mailer: { send: async () => undefined },
    claims: { plan: 'pro' },
    onUserCreated: 'a function',
    onUserDeleted: null,
    onSessionEnded: { report: undefined }
  }
  const error = await newHost(t)
    .register(latchkey, Object.assign({ ...testOptions }, options as object))
    .then(
      () => undefined,
      (reason: unknown) => reason
    )
  if (!(error instanceof ConfigError)) return t.fail('the error is a ConfigError')
  t.strictSame(
    error.problems.map((problem) => problem.replace(' must be a function', '').replace(/[,.].*/, '')),
    ['onUserCreated', 'onUserDeleted', 'onSessionEnded', 'mailer', 'claims']
  )
})

t.test('without issuer, registering fails and says what it is', async (t) => {
  for (const options of [{}, { issuer: undefined, prefix: '/auth' }]) {
    const error = await newHost(t)
      .register(latchkey, options as LatchkeyOptions)
      .then(
        () => undefined,
        (reason: unknown) => reason
      )
    t.match(error, {
      name: 'ConfigError',
      problems: [/^issuer is required: .* such as http:\/\/localhost:3000\/auth\.$/]
    })
  }
})

t.test("Fastify's own options of register are legal, and concern Latchkey's routes only", async (t) => {
  const lines: string[] = []
  const app = newHost(t, { logger: { level: 'info', stream: { write: (line: string) => lines.push(line) } } })
  await app.register(latchkey, {
    ...testOptions,
    dataDir: await testDataFolder(t),
    prefix: 'auth/',
    logLevel: 'silent',
    logSerializers: { req: () => 'a request' }
  })
  app.get('/own', async (request) => request.log.info('of the host'))
  t.equal((await app.inject('/auth/me')).statusCode, 401)
  t.notMatch(lines.join(''), '/auth/me')
  await app.inject('/own')
  t.match(lines.join(''), 'of the host')
  t.match(lines.join(''), '"url":"/own"')
})

t.test('with databaseUrl the plugin uses that server', async (t) => {
  if (serverUrl === undefined) return t.pass('what needs a PostgreSQL server', { skip: 'TEST_DATABASE_URL is not set' })
  const app = newHost(t)
  await app.register(latchkey, { ...testOptions, databaseUrl: await testSchema(t) })
  t.equal((await newPerson(app, 'body')).client.refreshToken.slice(0, 6), 'lk_rt_')
})
