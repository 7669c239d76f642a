import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { openTestDatabase } from '../../support/database.js'
import type { ContractCode } from '../../support/http/contract-errors.js'
import { contractStatus } from '../../support/http/contract-errors.js'
import { newPerson } from '../../support/http/people.js'
import { portOf, problemOf, type RawResponse, rawRequest, sendRaw } from '../../support/http/raw-socket.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)
// Node looks for slow requests every 30 s by default; here more often.
Object.assign(app.server, { connectionsCheckingInterval: 20 })
const port = await portOf(app)

function expectRawProblem(t: Test, response: RawResponse, code: ContractCode): void {
  t.equal(response.status, contractStatus[code])
  t.equal(response.headers['content-type'], 'application/problem+json; charset=utf-8')
  t.equal(response.headers['cache-control'], 'no-store')
  t.match(problemOf(response), { type: `/docs/errors.md#${code}`, status: contractStatus[code], code })
}

t.test('bytes that are not HTTP get a response, and the connection closes', async (t) => {
  for (const text of [
    'hello\r\n\r\n',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    '\u0016\u0003\u0001\u0002\u0000\r\n\r\n'
  ]) {
    const response = await sendRaw(port, text)
    expectRawProblem(t, response, 'invalid_request')
    t.equal(response.headers.connection, 'close')
    t.equal(Number(response.headers['content-length']), Buffer.byteLength(response.body))
  }
})

t.test('headers above the limit are headers_too_large', async (t) => {
  const response = await sendRaw(port, rawRequest('GET /me', [`x-filler: ${'x'.repeat(20_000)}`]))
  expectRawProblem(t, response, 'headers_too_large')
})

t.test('a client that sends a megabyte of headers is cut off, and others are served meanwhile', async (t) => {
  const fillers = Array.from({ length: 1000 }, (_, i) => `x-filler-${i}: ${'x'.repeat(1000)}`)
  const [flood, other] = await Promise.all([
    sendRaw(port, rawRequest('GET /me', fillers)),
    sendRaw(port, rawRequest('GET /healthz'))
  ])
  t.equal(flood.status, 431)
  t.equal(other.status, 200)
})

t.test('requests with two different lengths are refused (RFC 9112 §6.3)', async (t) => {
  const smuggled = ['content-type: application/json', 'transfer-encoding: chunked', 'content-length: 5']
  expectRawProblem(t, await sendRaw(port, `${rawRequest('POST /login', smuggled)}0\r\n\r\n`), 'invalid_request')
  const lengths = ['content-length: 2', 'content-length: 3']
  expectRawProblem(t, await sendRaw(port, `${rawRequest('POST /login', lengths)}{}`), 'invalid_request')
})

t.test('an invalid request line or header is refused', async (t) => {
  for (const text of [
    rawRequest('GET /me\u0000'),
    rawRequest('GET /me', ['bad header: x']),
    rawRequest('GET /me', ['x-split: a\rb: c']),
    rawRequest('GET /me', ['x-nul: a\u0000b'])
  ]) {
    expectRawProblem(t, await sendRaw(port, text), 'invalid_request')
  }
})

t.test('no spelling of an address bypasses the guard', async (t) => {
  for (const address of [
    '//admin/users',
    '/admin/users/..',
    '/docs/../admin/users',
    '/./admin/users',
    '/admin/users/..%2f..%2fhealthz',
    '/admin;x/users',
    '/admin/users;x',
    '/admin/users%00',
    '/admin\\users',
    '/healthz/../admin/users',
    'http://auth.test/admin/users',
    'http://evil.test/me',
    '*',
    'me'
  ]) {
    const response = await sendRaw(port, rawRequest(`GET ${address}`))
    t.ok([400, 401, 404].includes(response.status), `${address} is ${response.status}`)
    t.equal(response.headers['content-type'], 'application/problem+json; charset=utf-8')
  }
})

t.test('repeated headers are refused or harmless', async (t) => {
  const { client } = await newPerson(app)
  const bearer = `authorization: Bearer ${client.accessToken}`
  const both = await sendRaw(port, rawRequest('GET /me', ['authorization: Bearer x', bearer]))
  expectRawProblem(t, both, 'invalid_token')
  const hosts = await sendRaw(port, rawRequest('GET /healthz', ['host: evil.test']))
  t.ok([200, 400].includes(hosts.status))
  const types = ['content-type: application/json', 'content-type: text/plain']
  const login = await sendRaw(port, rawRequest('POST /login', types, '{"email":7}'))
  t.ok([400, 415].includes(login.status))
})

t.test('an HTTP/1.1 request without a Host header is refused', async (t) => {
  const response = await sendRaw(port, 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n')
  t.equal(response.status, 400)
})

t.test('a request that takes too long to arrive is request_timeout, and others are served meanwhile', async (t) => {
  t.equal(app.server.requestTimeout, 10_000)
  app.server.requestTimeout = 50
  app.server.headersTimeout = 50
  t.teardown(() => {
    app.server.requestTimeout = 10_000
  })
  expectRawProblem(t, await sendRaw(port, 'POST /login HTTP/1.1\r\nhost: auth.test\r\n'), 'request_timeout')
  const half = rawRequest('POST /login', ['content-type: application/json', 'content-length: 100'])
  expectRawProblem(t, await sendRaw(port, `${half}{"email":`), 'request_timeout')
  t.equal((await sendRaw(port, rawRequest('GET /healthz'))).status, 200)
})

t.test('a client that disconnects during its request harms nobody', async (t) => {
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('POST /login HTTP/1.1\r\nhost: auth.test\r\ncontent-length: 9\r\n\r\n{', () =>
        socket.resetAndDestroy()
      )
    })
    socket.on('close', () => resolve())
  })
  t.equal((await sendRaw(port, rawRequest('GET /healthz'))).status, 200)
})
