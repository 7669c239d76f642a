import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { httpPlugin } from '../../src/http/plugin.js'
import { age, openTestDatabase } from '../support/database.js'
import { newHost, openPluginOptions } from '../support/host.js'
import { anotherDevice, newEmail, newPerson } from '../support/http/people.js'
import { Client, goodPassword, openService } from '../support/service.js'

// Runs in a process of its own: it reads what the whole process has counted.
const database = await openTestDatabase(t, { kind: 'embedded' })

/** The samples of GET /metrics, by name and labels. */
async function read(app: FastifyInstance): Promise<Map<string, number>> {
  const { body } = await app.inject('/metrics')
  const samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))])
  )
}

t.test('GET /metrics answers everybody in the Prometheus text format, uncached', async (t) => {
  const response = await (await openService(t, database)).inject('/metrics')
  t.equal(response.statusCode, 200)
  t.match(response.headers['content-type'], /^text\/plain; version=0\.0\.4/)
  t.equal(response.headers['cache-control'], 'no-store')
  for (const line of response.body.split('\n').filter((text) => text !== '')) {
    t.match(line, /^(# (HELP|TYPE) \S+ .+|[a-z_][a-z_0-9]*(\{[^}]*\})? ([Nn]a[Nn]|[+-]?[\d.e+-]+))$/)
  }
})

t.test('logins and registrations are counted by outcome', async (t) => {
  const app = await openService(t, database)
  const email = newEmail()
  const tries = async (path: '/register' | '/login', address: string, password?: string) =>
    new Client(app).send('POST', path, { payload: { email: address, password: password ?? 'a rather long password' } })
  await tries('/register', email)
  await tries('/register', email)
  await tries('/login', email)
  await tries('/login', email, 'not that password')
  await tries('/login', newEmail())

  const metrics = await read(app)
  t.equal(metrics.get('latchkey_registrations_total{outcome="succeeded"}'), 1)
  t.equal(metrics.get('latchkey_registrations_total{outcome="email_taken"}'), 1)
  t.equal(metrics.get('latchkey_logins_total{outcome="succeeded"}'), 1)
  t.equal(metrics.get('latchkey_logins_total{outcome="wrong_password"}'), 1)
  t.equal(metrics.get('latchkey_logins_total{outcome="unknown_email"}'), 1)
  t.equal(metrics.get('latchkey_logins_total{outcome="user_disabled"}'), 0)
})

t.test('refreshes are counted by outcome', async (t) => {
  const app = await openService(t, database)
  const client = new Client(app)
  await client.signIn(newEmail(), { mode: 'body' })
  const refresh = (token: string) => client.send('POST', '/refresh', { payload: { refresh_token: token } })
  const first = client.refreshToken
  await refresh(first)
  await refresh(first)
  await refresh(client.refreshToken)
  await refresh('lk_rt_invented')
  await client.send('POST', '/logout')
  await refresh(first)

  const metrics = await read(app)
  for (const outcome of ['rotated', 'replayed', 'current', 'refused', 'ended']) {
    t.equal(metrics.get(`latchkey_refreshes_total{outcome="${outcome}"}`), 1, outcome)
  }
  t.equal(metrics.get('latchkey_refreshes_total{outcome="reuse"}'), 0)
})

t.test('refreshes with late and older tokens are counted, each by its outcome', async (t) => {
  const app = await openService(t, database)
  const client = new Client(app)
  await client.signIn(newEmail(), { mode: 'body' })
  const refresh = (refresh_token: string, headers = { 'idempotency-key': 'one key of one browser' }) =>
    client.send('POST', '/refresh', { payload: { refresh_token }, headers })
  const later = () => age(database, client.sessionId, 7200)

  for (const outcome of ['recovered', 'recovered_again']) {
    const before = client.refreshToken
    await refresh(before)
    await refresh(before, { 'idempotency-key': 'a key of somebody else' })
    await later()
    await refresh(before)
    await later()
    await refresh(before)
    t.equal((await read(app)).get(`latchkey_refreshes_total{outcome="${outcome}"}`), 1, outcome)
  }
  const metrics = await read(app)
  for (const outcome of ['rotated', 'access_only', 'replayed_late']) {
    t.equal(metrics.get(`latchkey_refreshes_total{outcome="${outcome}"}`), 2, outcome)
  }
  t.equal(metrics.get('latchkey_refreshes_total{outcome="recovered"}'), 1)
  t.equal(metrics.get('latchkey_refreshes_total{outcome="replayed"}'), 0)
})

t.test('a reused token counts as reuse once, and afterwards as a token of an ended session', async (t) => {
  const app = await openService(t, database, { REFRESH_GRACE_SECONDS: '0' })
  const client = new Client(app)
  await client.signIn(newEmail(), { mode: 'body' })
  const first = client.refreshToken
  const refresh = () => client.send('POST', '/refresh', { payload: { refresh_token: first } })
  for (let i = 0; i < 3; i++) await refresh()

  const metrics = await read(app)
  t.equal(metrics.get('latchkey_refreshes_total{outcome="rotated"}'), 1)
  t.equal(metrics.get('latchkey_refreshes_total{outcome="reuse"}'), 1)
  t.equal(metrics.get('latchkey_refreshes_total{outcome="ended"}'), 1)
  t.equal(metrics.get('latchkey_revocations_total{reason="reuse_detected"}'), 1)
})

t.test('revocations are counted by reason, in memory, and timed', async (t) => {
  const app = await openService(t, database)
  const before = await read(app)
  const { client } = await newPerson(app)
  await client.send('POST', '/logout')

  const metrics = await read(app)
  const grown = (name: string) => (metrics.get(name) ?? Number.NaN) - (before.get(name) ?? Number.NaN)
  t.equal(grown('latchkey_revocations_total{reason="logged_out"}'), 1)
  t.equal(grown('latchkey_live_revocations'), 1)
  t.equal(grown('latchkey_revocation_delay_seconds_count'), 1)
  t.equal(grown('latchkey_revocation_delay_seconds_bucket{le="60"}'), 1)
})

t.test('GET /admin/counts shows the activity of the last hour', async (t) => {
  const email = newEmail()
  const operator = { ADMIN_EMAIL: email, ADMIN_PASSWORD: goodPassword }
  const app = await openService(t, database, { ...operator, REFRESH_GRACE_SECONDS: '0' })
  const admin = new Client(app)
  await admin.signIn(email, { path: '/login', mode: 'body' })
  const counts = async () => {
    const { sessions, minutes } = (await admin.send('GET', '/admin/counts')).json()
    const sum = (what: string) =>
      minutes.reduce((total: number, minute: Record<string, number>) => total + (minute[what] ?? Number.NaN), 0)
    return { sessions, signs: ['logins', 'refreshes', 'revocations', 'reuse'].map(sum) }
  }
  const { sessions } = await counts()

  const { client, email: person } = await newPerson(app, 'body')
  await anotherDevice(app, { email: person })
  await new Client(app).send('POST', '/login', { payload: { email: person, password: 'not that password' } })
  t.strictSame(await counts(), { sessions: sessions + 2, signs: [2, 0, 0, 0] })
  const payload = { refresh_token: client.refreshToken }
  for (let i = 0; i < 3; i++) await new Client(app).send('POST', '/refresh', { payload })
  t.strictSame(await counts(), { sessions: sessions + 1, signs: [2, 1, 1, 1] })
})

t.test('metrics show the feed, the signing keys, the queues and the process', async (t) => {
  const metrics = await read(await openService(t, database))
  t.equal(metrics.get('latchkey_feed_connected'), 1)
  t.equal(metrics.get('latchkey_feed_stale'), 0)
  t.equal(metrics.get('latchkey_feed_lag_seconds'), 0)
  t.equal(metrics.get('latchkey_signing_keys{state="active"}'), 1)
  t.equal(metrics.get('latchkey_signing_keys{state="retired"}'), 0)
  t.ok((metrics.get('latchkey_signing_key_age_seconds') ?? -1) >= 0)
  for (const name of ['password_hashes', 'database_operations']) {
    for (const state of ['running', 'waiting']) t.equal(metrics.get(`latchkey_${name}{state="${state}"}`), 0)
  }
  t.ok(metrics.has('nodejs_eventloop_lag_seconds'))
  t.ok(metrics.has('process_resident_memory_bytes'))
})

t.test('responses are counted by status', async (t) => {
  const app = await openService(t, database)
  await app.inject('/me')
  await app.inject('/healthz')
  const metrics = await read(app)
  t.equal(metrics.get('latchkey_responses_total{status="401"}'), 1)
  t.equal(metrics.get('latchkey_responses_total{status="200"}'), 1)
  t.equal(metrics.get('latchkey_responses_total{status="503"}'), 0)
})

t.test('responses are timed by the pattern of their route, their method and the class of their status', async (t) => {
  const app = await openService(t, database)
  const { client } = await newPerson(app)
  for (const id of [randomUUID(), randomUUID(), client.sessionId]) await client.send('DELETE', `/sessions/${id}`)
  for (const url of ['/nowhere', `/sessions/${'x'.repeat(50)}`, '/%6de', '//me']) await app.inject(url)
  await app.inject({ method: 'HEAD', url: '/healthz' })

  const { body } = await app.inject('/metrics')
  const counts = body.split('\n').filter((line) => line.startsWith('latchkey_request_duration_seconds_count'))
  t.strictSame(counts.sort(), [
    'latchkey_request_duration_seconds_count{route="/healthz",method="HEAD",status="2xx"} 1',
    'latchkey_request_duration_seconds_count{route="/register",method="POST",status="2xx"} 1',
    'latchkey_request_duration_seconds_count{route="/sessions/:id",method="DELETE",status="2xx"} 1',
    'latchkey_request_duration_seconds_count{route="/sessions/:id",method="DELETE",status="4xx"} 2'
  ])
  const sum = /duration_seconds_sum\{route="\/register",method="POST",status="2xx"\} (.*)/.exec(body)?.[1]
  t.ok(Number(sum) > 0 && Number(sum) < 60)
})

t.test('the database is measured, and Redis only if there is one', async (t) => {
  const metrics = await read(await openService(t, database))
  t.equal(metrics.get('latchkey_database_up'), 1)
  t.equal(metrics.get('latchkey_database_failures_total'), 0)
  t.ok((metrics.get('latchkey_database_operation_duration_seconds_count') ?? 0) > 0)
  t.notOk(metrics.has('latchkey_redis_up'))

  const app = await openService(t, database, { REDIS_URL: 'redis://127.0.0.1:1', RATE_LIMIT_ENABLED: 'true' })
  await new Client(app).send('POST', '/login', { payload: { email: newEmail(), password: goodPassword } })
  const withRedis = await read(app)
  t.equal(withRedis.get('latchkey_redis_up'), 0)
  t.equal(withRedis.get('latchkey_redis_failures_total'), 1)
  t.equal(withRedis.get('latchkey_redis_operation_duration_seconds_count'), 1)
})

t.test('no metric contains a user, a session or a token', async (t) => {
  const app = await openService(t, database)
  const email = newEmail()
  const client = new Client(app)
  await client.signIn(email, { mode: 'body' })
  await client.send('POST', '/logout')
  const { body } = await app.inject('/metrics')
  for (const secret of [email, client.sessionId, client.refreshToken, 'lk_rt_', 'eyJ']) t.notOk(body.includes(secret))
})

t.test('two apps in one process have separate counters', async (t) => {
  const [one, other] = [await openService(t, database), await openService(t, database)]
  await newPerson(one)
  t.equal((await read(one)).get('latchkey_registrations_total{outcome="succeeded"}'), 1)
  t.equal((await read(other)).get('latchkey_registrations_total{outcome="succeeded"}'), 0)
})

t.test("in a host, the metrics are under the prefix and leave out the host's own responses", async (t) => {
  const host = newHost(t)
  await host.register(httpPlugin, { ...(await openPluginOptions(t, database)), prefix: '/auth' })
  host.get('/own', async () => 'own')
  await host.inject('/own')
  const { statusCode, body } = await host.inject('/auth/metrics')
  t.equal(statusCode, 200)
  t.match(body, 'latchkey_responses_total{status="200"} 0\n')
  t.notMatch(body, '/own')
  await host.inject('/auth/healthz')
  t.match((await host.inject('/auth/metrics')).body, 'route="/auth/healthz"')
})
