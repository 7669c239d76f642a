import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { FolderTaken, openEmbeddedDatabase } from '../src/adapters/embedded/embedded-database.js'
import { type Database, query } from '../src/adapters/prisma/database.js'
import { buildApp } from '../src/app.js'
import { openAdapters } from '../src/composition.js'
import { type Environment, loadConfig } from '../src/config/read-config.js'
import { openTestDatabase, serverUrl, testDatabases, testFolder, testSchema } from './support/database.js'
import { newPerson } from './support/http/people.js'
import { Client, goodPassword, openService, testEnvironment } from './support/service.js'

const onlyWithServer = { skip: serverUrl === undefined && 'TEST_DATABASE_URL is not set' }

for (const kind of testDatabases(t)) {
  t.test(`on the ${kind} database a session survives a restart`, async (t) => {
    const database = await openTestDatabase(t, { kind })
    const first = await openService(t, database)
    const { client } = await newPerson(first)
    const { client: ended } = await newPerson(first)
    await ended.send('POST', '/logout')
    await first.close()

    const second = await openService(t, database)
    const restarted = (device: Client) => {
      const copy = Object.assign(new Client(second), { accessToken: device.accessToken })
      for (const [name, value] of device.cookies) copy.cookies.set(name, value)
      return copy
    }
    t.equal((await restarted(client).send('GET', '/me')).statusCode, 200, 'its access token is still valid')
    t.equal((await restarted(client).send('POST', '/refresh')).statusCode, 200)
    t.equal((await restarted(ended).send('GET', '/me')).json().code, 'session_revoked', 'an ended session stays ended')
  })

  t.test(`on the ${kind} database another root secret is refused, and the adapters are closed again`, async (t) => {
    const database = await openTestDatabase(t, { kind })
    await (await openService(t, database)).close()
    const other = loadConfig({ ...testEnvironment, ROOT_SECRET: 'another root secret that is long enough to be one' })
    await t.rejects(buildApp(other, { database }), { message: /ROOT_SECRET|root secret/ })
    t.equal((await (await openService(t, database)).inject('/readyz')).statusCode, 200)
  })
}

t.test('closing the app closes what it opened, and not a database from its caller', async (t) => {
  const dataDir = await testFolder(t)
  const app = await buildApp(loadConfig({ ...testEnvironment, ROOT_SECRET: '', DATA_DIR: dataDir }))
  t.equal((await app.inject('/readyz')).statusCode, 200)
  t.ok((await readFile(join(dataDir, 'root-secret'), 'utf8')).length >= 32, 'the app makes and stores its root secret')
  await t.rejects(buildApp(loadConfig({ ...testEnvironment, DATA_DIR: dataDir })), FolderTaken)
  await app.close()

  const database = await openEmbeddedDatabase({ dataDir })
  t.teardown(() => database.close())
  const secret = await readFile(join(dataDir, 'root-secret'), 'utf8')
  await (await buildApp(loadConfig({ ...testEnvironment, ROOT_SECRET: secret.trim() }), { database })).close()
  await t.resolves(database.run((prisma) => prisma.$queryRaw`SELECT 1`))
})

t.test('the settings of the database reach its connections', onlyWithServer, async (t) => {
  const url = await testSchema(t)
  const open = async (environment: Environment) => {
    const settings = { DATABASE_URL: url, DATABASE_POOL_SIZE: '2', DATABASE_STATEMENT_TIMEOUT_SECONDS: '3' }
    const config = loadConfig({ ...testEnvironment, ...settings, ...environment })
    const { database, close } = await openAdapters(config)
    t.teardown(close)
    const timeouts = query(database)`
      SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock`
    const pids = await Promise.all(
      [1, 2, 3, 4].map(() => query<{ pid: number }>(database)`SELECT pg_backend_pid() AS pid FROM pg_sleep(0.1)`)
    )
    return { timeouts: await timeouts, connections: new Set(pids.map(([row]) => row?.pid)).size }
  }
  t.strictSame(await open({}), { timeouts: [{ statement: '3s', lock: '1500ms' }], connections: 2 })
  const direct = new URL(url)
  direct.searchParams.delete('options')
  t.strictSame(
    await open({ DATABASE_DIRECT_URL: direct.href, DATABASE_POOL_SIZE: '1' }),
    { timeouts: [{ statement: '0', lock: '0' }], connections: 1 },
    'a pooler would refuse connections that ask for time-outs'
  )
})

t.test('ADMIN_EMAIL creates an admin only if there is none', async (t) => {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const signIn = async (email: string) => {
    const environment = { ADMIN_EMAIL: email, ADMIN_PASSWORD: goodPassword }
    const app = await openService(t, database, environment)
    const client = new Client(app)
    const response = await client.signIn(email, { path: '/login', mode: 'body' })
    return response.statusCode === 200 ? (await client.send('GET', '/me')).json().roles : undefined
  }
  const atOnce = await Promise.all([signIn('first@example.org'), signIn('first@example.org')])
  t.strictSame(atOnce, [['admin'], ['admin']], 'two instances that start at once')
  t.strictSame(await signIn('first@example.org'), ['admin'])
  t.strictSame(await signIn('second@example.org'), undefined, 'no second admin is created')
})

/** What a start with these settings logs as warnings. */
async function warningsOf(database: Database, environment: Environment): Promise<string> {
  const lines: string[] = []
  const logger = { level: 'warn', stream: { write: (line: string) => void lines.push(line) } }
  const config = loadConfig({ ...testEnvironment, ...environment })
  const app = await buildApp(config, { database, logger })
  await app.close()
  return lines.join('')
}

t.test(
  'an account that has the address of ADMIN_EMAIL is not made an admin, and the log says what to do',
  async (t) => {
    const database = await openTestDatabase(t, { kind: 'embedded' })
    const app = await openService(t, database)
    const stranger = new Client(app)
    await stranger.signIn('Ops@example.org')
    for (const password of [goodPassword, 'short']) {
      const environment = { ADMIN_EMAIL: 'ops@example.org', ADMIN_PASSWORD: password }
      t.match(await warningsOf(database, environment), /ADMIN_EMAIL has an account already.+user set-roles/)
      t.notMatch(await warningsOf(database, environment), password)
    }
    t.strictSame((await stranger.send('GET', '/me')).json().roles, [])
    t.equal((await stranger.signIn('ops@example.org', { path: '/login' })).statusCode, 200, 'and keeps its password')
    t.strictSame((await stranger.send('GET', '/me')).json().roles, [])
  }
)

t.test('ADMIN_PASSWORD is judged only if it would make an admin', async (t) => {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const weak = { ADMIN_EMAIL: 'ops@example.org', ADMIN_PASSWORD: 'short' }
  const start = (environment: Environment) => buildApp(loadConfig({ ...testEnvironment, ...environment }), { database })
  await t.rejects(start(weak), { name: 'ConfigError', message: /ADMIN_PASSWORD is refused as password_too_short/ })
  await (await start({ ...weak, ADMIN_PASSWORD: goodPassword })).close()
  t.equal(await warningsOf(database, weak), '')
  t.equal(await warningsOf(database, { ...weak, PASSWORD_MIN_LENGTH: '64' }), '')
})

const database = await openTestDatabase(t, { kind: 'embedded' })

t.test('every response has the security headers', async (t) => {
  const app = await openService(t, database)
  for (const url of ['/healthz', '/me', '/nowhere', '/docs/', '/openapi.json', '/.well-known/jwks.json']) {
    const { headers } = await app.inject(url)
    t.equal(headers['strict-transport-security'], 'max-age=31536000; includeSubDomains', url)
    t.equal(headers['x-content-type-options'], 'nosniff')
    t.equal(headers['x-frame-options'], 'DENY')
    t.equal(headers['referrer-policy'], 'no-referrer')
    t.equal(headers['cross-origin-resource-policy'], 'same-origin')
    t.equal(headers['cross-origin-opener-policy'], 'same-origin')
    t.notOk('x-powered-by' in headers)
    t.match(headers['content-security-policy'], /default-src 'self'.*frame-ancestors 'none'/)
    t.notMatch(headers['content-security-policy'], 'unsafe-inline')
  }
  // No hook runs for a malformed URL. Its response has fewer headers.
  t.equal((await app.inject('/%zz')).headers['x-content-type-options'], 'nosniff')
  const development = await openService(t, database, { COOKIE_SECURE: 'false' })
  t.notOk('strict-transport-security' in (await development.inject('/healthz')).headers, 'no HSTS over plain http')
})

t.test('X-Forwarded-For counts only from a trusted proxy', async (t) => {
  const ipSeen = async (trusted: string, remoteAddress: string, forwardedFor = '203.0.113.9') => {
    const app = await openService(t, database, { TRUST_PROXY: trusted })
    const { client } = await newPerson(app)
    const headers = { 'x-forwarded-for': forwardedFor, authorization: `Bearer ${client.accessToken}` }
    const payload = { current_password: 'wrong', new_password: 'another good password' }
    await app.inject({ method: 'POST', url: '/password', remoteAddress, headers, payload })
    const events = await database.run((prisma) => prisma.event.findMany({ orderBy: { id: 'desc' }, take: 1 }))
    return events[0]?.ip
  }
  t.equal(await ipSeen('', '192.0.2.1'), '192.0.2.1')
  t.equal(await ipSeen('10.0.0.0/8', '192.0.2.1'), '192.0.2.1')
  t.equal(await ipSeen('10.0.0.0/8', '10.1.2.3'), '203.0.113.9')
  const claimed = '192.0.2.66, 203.0.113.9'
  t.equal(
    await ipSeen('10.0.0.0/8', '10.1.2.3', claimed),
    '203.0.113.9',
    'an address that the client itself claims is ignored'
  )
  t.equal(
    await ipSeen('10.0.0.0/8', '10.1.2.3', `${claimed}, 10.9.9.9`),
    '203.0.113.9',
    'it is ignored through two proxies'
  )
})

t.test('CORS allows the origins of ALLOWED_ORIGINS, with credentials', async (t) => {
  const app = await openService(t, database, { ALLOWED_ORIGINS: 'https://app.test' })
  const preflight = (origin: string) =>
    app.inject({
      method: 'OPTIONS',
      url: '/refresh',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'idempotency-key' }
    })
  const { headers } = await preflight('https://app.test')
  t.equal(headers['access-control-allow-origin'], 'https://app.test')
  t.equal(headers['access-control-allow-credentials'], 'true')
  t.match(headers['access-control-allow-headers'], /idempotency-key/)
  t.not((await preflight('https://evil.test')).headers['access-control-allow-origin'], 'https://evil.test')

  const refused = await app.inject({ url: '/me', headers: { origin: 'https://app.test' } })
  t.equal(refused.headers['access-control-allow-origin'], 'https://app.test', 'a page can read an error response')
  t.match(refused.headers['access-control-expose-headers'], /www-authenticate/)
})
