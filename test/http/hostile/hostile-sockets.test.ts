import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { type ClosedConnection, chunk, drip, flood, jsonHead, piece } from '../../support/http/hostile-sockets.js'
import { newPerson } from '../../support/http/people.js'
import { portOf, rawRequest, sendRaw } from '../../support/http/raw-socket.js'
import { processTestMilliseconds } from '../../support/processes/process.js'
import { openService } from '../../support/service.js'

t.setTimeout(processTestMilliseconds)

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)

const { requestTimeout, timeout, keepAliveTimeout } = app.server
// The same with shorter limits: a request has three seconds, checked all the time.
app.server.requestTimeout = 3000
app.server.headersTimeout = 3000
Object.assign(app.server, { connectionsCheckingInterval: 20 })
/** The bytes that all connections have sent to the server so far. */
const sockets: { readonly bytesRead: number }[] = []
app.server.on('connection', (socket) => sockets.push(socket))
const received = () => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0)

const port = await portOf(app)
const { client } = await newPerson(app)

t.test('the time and size limits of a client are documented', async (t) => {
  t.strictSame(
    { requestTimeout, timeout, keepAliveTimeout },
    { requestTimeout: 10_000, timeout: 30_000, keepAliveTimeout: 72_000 }
  )
  t.equal(app.initialConfig.bodyLimit, 65_536)
})

/** Expects that other clients are served meanwhile. */
async function expectServed(t: Test): Promise<void> {
  const me = rawRequest('GET /me', [`authorization: Bearer ${client.accessToken}`])
  const refresh = rawRequest('POST /refresh', [
    `cookie: ${[...client.cookies].map((pair) => pair.join('=')).join('; ')}`,
    'origin: https://auth.test',
    'sec-fetch-site: same-origin'
  ])
  const answers = await Promise.all([
    sendRaw(port, me),
    sendRaw(port, refresh),
    sendRaw(port, rawRequest('GET /readyz'))
  ])
  t.strictSame(
    answers.map(({ status }) => status),
    [200, 200, 200],
    'other clients are served'
  )
}

function expectClosed(t: Test, { status, text }: ClosedConnection, expected: number, code: string): void {
  t.equal(status, expected)
  t.match(text, /\r\nconnection: close\r\n/i, 'the connection closes')
  t.match(text, new RegExp(`"code":"${code}"`))
}

t.test('the server reads no more of a 100 MB body than the limit', async (t) => {
  const bytes = 100 * 2 ** 20
  const before = received()
  const [announced, chunked] = await Promise.all([
    flood(port, jsonHead('POST /login', `content-length: ${bytes}`), piece, bytes),
    flood(port, jsonHead('POST /login', 'transfer-encoding: chunked'), chunk, bytes),
    expectServed(t)
  ])
  for (const { status, sentBytes } of [announced, chunked]) {
    t.ok(status === 413 || status === 0, 'answered, or reset before it read the response')
    t.ok(sentBytes < bytes / 2, `${sentBytes} bytes could be sent`)
  }
  const polite = await flood(port, jsonHead('POST /login', `content-length: ${bytes}`), piece, 0)
  expectClosed(t, polite, 413, 'body_too_large')
  t.ok(received() - before < 2 ** 20, `${received() - before} bytes were read`)
})

t.test('endless headers are cut off', async (t) => {
  const line = Buffer.from(`x-filler: ${'x'.repeat(4000)}\r\n`)
  const [lines, one] = await Promise.all([
    flood(port, 'GET /me HTTP/1.1\r\nhost: auth.test\r\n', line, 2 ** 20),
    flood(port, 'GET /me HTTP/1.1\r\nhost: auth.test\r\nx-filler: ', Buffer.alloc(4096, 'x'), 2 ** 20),
    expectServed(t)
  ])
  for (const ending of [lines, one]) expectClosed(t, ending, 431, 'headers_too_large')
})

t.test('slow and silent clients are cut off, however many there are', async (t) => {
  const pauseMilliseconds = 50
  const hostile = [
    { head: 'GET /me HTTP/1.1\r\nhost: auth.test\r\n', pieces: 'x-drip: 1\r\n', pauseMilliseconds },
    { head: 'GET /me HTTP/1.1\r\nhost: auth.test\r\nx-drip: ', pieces: ' ', pauseMilliseconds },
    { head: 'GET /', pieces: 'x', pauseMilliseconds },
    { head: jsonHead('POST /login', 'content-length: 60000'), pieces: ' ', pauseMilliseconds },
    { head: jsonHead('POST /login', 'transfer-encoding: chunked'), pieces: '1\r\n \r\n', pauseMilliseconds },
    { head: jsonHead('POST /login', 'content-length: 60000'), pieces: '', pauseMilliseconds },
    { head: '', pieces: '', pauseMilliseconds }
  ]
  const endings = Promise.all(
    Array.from({ length: 42 }, (_, i) =>
      drip(port, hostile[i % hostile.length] ?? { head: '', pieces: '', pauseMilliseconds })
    )
  )
  await expectServed(t)
  for (const ending of await endings) {
    if (ending.status !== 408) t.fail(`answered ${ending.text}`)
    if (ending.sentBytes >= 60_000) t.fail('the server accepted every byte')
  }
  await expectServed(t)
  t.equal(await openConnections(), 0, 'no connection is left')
})

t.test('clients that never read responses do not block others', async (t) => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.pause()
  for (let i = 0; i < 50; i += 1) socket.write('GET /openapi.json HTTP/1.1\r\nhost: auth.test\r\n\r\n')
  await expectServed(t)
  socket.destroy()
})

async function openConnections(): Promise<number> {
  for (let tries = 0; tries < 500; tries += 1) {
    const count = await new Promise<number>((resolve) => app.server.getConnections((_, count) => resolve(count)))
    if (count === 0) return 0
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return Number.NaN
}
