import { once } from 'node:events'
import { connect } from 'node:net'
import { LogController } from 'fastify'
import t from 'tap'
import { buildApp } from '../../../src/app.js'
import { openAdapters } from '../../../src/composition.js'
import { createConfig, loadConfig } from '../../../src/config/read-config.js'
import { httpPlugin } from '../../../src/http/plugin.js'
import { openTestDatabase } from '../../support/database.js'
import { until } from '../../support/faults/crowd.js'
import { newHost, testOptions } from '../../support/host.js'
import { keptLog } from '../../support/http/log-lines.js'
import { newEmail, newPerson } from '../../support/http/people.js'
import { portOf } from '../../support/http/raw-socket.js'
import { goodPassword, testEnvironment } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const log = keptLog('debug')
const config = loadConfig({ ...testEnvironment, ALLOWED_ORIGINS: 'https://app.test' })
const app = await buildApp(config, { database, logger: log.logger, refusalMilliseconds: 0 })
t.teardown(() => app.close())
t.beforeEach(() => log.clear())
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

t.test('the id of a proxy is in the response and in every line of the request, also of its decisions', async (t) => {
  const { client } = await newPerson(app)
  const port = await portOf(app)
  for (const [id, url, payload, decision] of [
    ['4f2a.b7:c/d+e=f@g-1_h', '/login', { email: newEmail(), password: goodPassword }, 'login'],
    ['0', '/register', { email: newEmail(), password: goodPassword }, 'registration'],
    ['x'.repeat(64), '/refresh', { refresh_token: 'lk_rt_invented' }, 'refresh']
  ] as const) {
    log.clear()
    const text = JSON.stringify(payload)
    const socket = connect(port, '127.0.0.1')
    let response = ''
    socket.on('data', (data) => (response += String(data)))
    socket.write(
      `POST ${url} HTTP/1.1\r\nHost: auth.test\r\nConnection: close\r\nX-Request-Id: ${id}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n`
    )
    await once(app.server, 'request')
    // The body arrives on its own, in an event that knows nothing of the request.
    socket.write(text)
    await once(socket, 'close')
    await until(async () => log.lines().some(({ msg }) => msg === 'request completed'))
    t.match(response, `x-request-id: ${id}\r\n`)
    t.ok(log.lines().some((line) => line.decision === decision))
    for (const line of log.lines()) t.equal(line.reqId, id, String(line.msg))
  }

  log.clear()
  const headers = { 'x-request-id': 'of-the-proxy' }
  const refused = await client.send('GET', '/admin/users', { headers })
  t.equal(refused.headers['x-request-id'], 'of-the-proxy')
  t.match(
    log.lines().filter(({ decision }) => decision !== undefined),
    [{ decision: 'access', outcome: 'insufficient_scope', reqId: 'of-the-proxy' }]
  )
})

t.test('an id that is too long, has other characters or may be a token is replaced', async (t) => {
  const { client } = await newPerson(app)
  for (const id of ['', 'x'.repeat(65), 'two words', 'a,b', 'ä', '"}', client.accessToken]) {
    const headers = { 'x-request-id': id }
    const given = (await app.inject({ url: '/me', headers })).headers['x-request-id']
    t.match(given, uuid, id)
    t.equal(log.lines().at(-1)?.reqId, given)
  }
  t.notMatch(log.text(), client.accessToken)
  const [first, second] = await Promise.all([app.inject('/healthz'), app.inject('/healthz')])
  t.not(first.headers['x-request-id'], second.headers['x-request-id'])
})

t.test('every response has the id, and pages of allowed origins can read it', async (t) => {
  for (const url of ['/healthz', '/me', '/nowhere', '/%zz', '/docs/', '/openapi.json', '/sessions/x']) {
    const { headers } = await app.inject({ url, headers: { 'x-request-id': 'mine' } })
    t.equal(headers['x-request-id'], 'mine', url)
  }
  t.equal((await app.inject({ method: 'DELETE', url: '/login' })).statusCode, 405)
  const { headers } = await app.inject({ url: '/me', headers: { origin: 'https://app.test' } })
  t.match(headers['access-control-expose-headers'], 'x-request-id')
})

t.test("in a host our lines have the host's own id, under its own label", async (t) => {
  const kept = keptLog('info')
  const logController = new LogController({ requestIdLogLabel: 'traceId' })
  const host = newHost(t, { logger: kept.logger, logController, genReqId: () => 'of-the-host' })
  const settings = createConfig({ ...testOptions })
  const { ports, close } = await openAdapters(settings, { database }, host.log)
  t.teardown(close)
  await host.register(httpPlugin, { ports, settings, prefix: '/auth' })
  host.get(
    '/reports',
    { preHandler: [host.latchkey.authenticate, host.latchkey.requireRole('reader')] },
    async () => 'reports'
  )

  const payload = { email: newEmail(), password: goodPassword }
  const registered = await host.inject({ method: 'POST', url: '/auth/register', payload })
  t.equal(registered.headers['x-request-id'], undefined, 'the host decides which headers it sends')
  const authorization = `Bearer ${registered.json().access_token}`
  t.equal((await host.inject({ url: '/reports', headers: { authorization } })).statusCode, 403)
  const decided = kept.lines().filter(({ decision }) => decision !== undefined)
  t.match(decided, [
    { decision: 'registration', traceId: 'of-the-host' },
    { decision: 'access', traceId: 'of-the-host', route: 'GET /reports' }
  ])
})
