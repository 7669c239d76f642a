import { connect } from 'node:net'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { buildApp } from '../../../src/app.js'
import { loadConfig } from '../../../src/config/read-config.js'
import { AccessLog } from '../../../src/http/log/access-log.js'
import { SlowReader } from '../../../src/http/routes/services/revocation-stream.js'
import { Unavailable } from '../../../src/ports/errors.js'
import { openTestDatabase } from '../../support/database.js'
import { until } from '../../support/faults/crowd.js'
import { newHost } from '../../support/host.js'
import { keptLog } from '../../support/http/log-lines.js'
import { newPerson } from '../../support/http/people.js'
import { portOf, rawRequest, sendRaw } from '../../support/http/raw-socket.js'
import { asGateway, serviceSettings } from '../../support/http/services.js'
import { testEnvironment } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })

/** The service with its log, on `database`, which fails with what `fault` returns. */
async function loggingService(t: Test, level = 'info') {
  const log = keptLog(level)
  const state: { fault: Error | undefined } = { fault: undefined }
  const run: Database['run'] = (operation) =>
    state.fault === undefined ? database.run(operation) : Promise.reject(state.fault)
  const config = loadConfig({ ...testEnvironment, ...serviceSettings })
  const app = await buildApp(config, { database: { ...database, run }, logger: log.logger, refusalMilliseconds: 0 })
  t.teardown(() => app.close())
  log.clear()
  return { app, log, state }
}

/** Sends the head of a GET request and closes the connection, as soon as `isHandled` says so. */
async function abort(port: number, head: string, isHandled: () => Promise<boolean>): Promise<void> {
  const socket = connect(port, '127.0.0.1', () => socket.write(`${head}\r\nHost: auth.test\r\n\r\n`))
  await until(isHandled)
  socket.destroy()
}

t.test('each request is one line, with what was asked and what was answered', async (t) => {
  const { app, log } = await loggingService(t)
  await app.inject({ url: '/sessions?limit=1', remoteAddress: '192.0.2.7' })
  await app.inject('/features')
  await app.inject('/nowhere')
  await app.inject('/%zz')
  await app.inject({ method: 'DELETE', url: '/login' })
  const line = (method: string, path: string, statusCode: number, code?: string) => ({
    level: 30,
    req: { method, path },
    res: { statusCode },
    code,
    msg: 'request completed'
  })
  t.match(log.lines(), [
    { ...line('GET', '/sessions', 401, 'missing_credentials'), req: { ip: '192.0.2.7' } },
    line('GET', '/features', 200),
    line('GET', '/nowhere', 404, 'not_found'),
    line('GET', '/%zz', 400, 'invalid_request'),
    line('DELETE', '/login', 405, 'method_not_allowed')
  ])
  t.equal(log.lines().length, 5)
  for (const { responseTime } of log.lines()) t.ok(Number(responseTime) >= 0)
})

t.test('probes and readings of the metrics are not logged', async (t) => {
  const { app, log } = await loggingService(t)
  for (const url of ['/healthz', '/readyz', '/metrics']) t.equal((await app.inject(url)).statusCode, 200)
  t.strictSame(log.lines(), [])
})

t.test('a 503 is one line with its reason and without a stack', async (t) => {
  const { app, log, state } = await loggingService(t)
  const { client } = await newPerson(app)
  log.clear()
  const cause = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' })
  state.fault = new Unavailable('The database cannot serve now.', 1, { cause })
  t.equal((await client.send('GET', '/sessions')).statusCode, 503)
  const reason = 'The database cannot serve now. ECONNREFUSED'
  t.match(log.lines(), [{ level: 30, res: { statusCode: 503 }, code: 'unavailable', reason }])
  t.equal(log.lines().length, 1)
  t.notMatch(log.text(), '"stack"')
})

t.test('an unexpected error is a line with its stack, beside the line of the request', async (t) => {
  const { app, log, state } = await loggingService(t)
  const { client } = await newPerson(app)
  log.clear()
  state.fault = new TypeError('a bug')
  t.equal((await client.send('GET', '/sessions')).statusCode, 500)
  t.match(log.lines(), [
    { level: 50, err: { type: 'TypeError', message: 'a bug', stack: /access-log\.test/ }, code: 'internal_error' },
    { level: 30, res: { statusCode: 500 }, code: 'internal_error' }
  ])
  t.equal(log.lines().length, 2)
})

t.test('a request whose client goes away is one line too, and so is a stream', async (t) => {
  const { app, log } = await loggingService(t)
  const port = await portOf(app)
  log.clear()
  let isAsked = false
  app.server.once('request', () => (isAsked = true))
  // The body never arrives.
  await abort(port, 'POST /login HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 9', async () => isAsked)
  await until(async () => log.lines().length > 0)
  t.match(log.lines(), [{ level: 30, req: { method: 'POST', path: '/login' }, msg: 'request aborted' }])
  t.equal(log.lines()[0]?.res, undefined, 'there was no response')

  log.clear()
  const streamed = connect(port, '127.0.0.1')
  let received = ''
  streamed.on('data', (data) => (received += String(data)))
  streamed.write(`GET /revocations HTTP/1.1\r\nHost: auth.test\r\nAuthorization: ${asGateway.authorization}\r\n\r\n`)
  await until(async () => received.includes('event: ready'))
  t.strictSame(log.lines(), [])
  streamed.destroy()
  await until(async () => log.lines().length > 0)
  t.match(log.lines(), [{ level: 30, req: { path: '/revocations' }, res: { statusCode: 200 }, msg: 'request aborted' }])
  await app.close()
  t.equal(log.lines().filter(({ reqId }) => reqId !== undefined).length, 1)
})

t.test('a reader that is too slow for a stream is one line without a stack; other errors have theirs', async (t) => {
  const log = keptLog('info')
  const app = newHost(t, { logger: log.logger, logController: new AccessLog() })
  const failing = (error: Error) =>
    Readable.from(
      (async function* () {
        yield 'begun'
        throw error
      })()
    )
  app.get('/slow', async (_request, reply) => reply.send(failing(new SlowReader('too slow'))))
  app.get('/bug', async (_request, reply) => reply.send(failing(new TypeError('a bug'))))
  const port = await portOf(app)
  for (const path of ['/slow', '/bug']) await sendRaw(port, rawRequest(`GET ${path}`))
  const lines = () => log.lines().filter(({ req, err }) => req !== undefined || err !== undefined)
  await until(async () => lines().length >= 3)
  t.match(lines(), [
    { req: { path: '/slow' }, reason: 'too slow', msg: 'request aborted' },
    { level: 40, err: { type: 'TypeError', stack: /access-log/ } },
    { req: { path: '/bug' }, msg: 'request aborted' }
  ])
})
