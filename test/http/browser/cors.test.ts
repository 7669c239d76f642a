import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { httpPlugin } from '../../../src/http/plugin.js'
import { openTestDatabase } from '../../support/database.js'
import { newHost, openPluginOptions } from '../../support/host.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)
const allowing = await openService(t, database, { ALLOWED_ORIGINS: 'https://app.test,https://other.test' })

function preflight(service: FastifyInstance, origin: string, url = '/refresh', requested = 'idempotency-key') {
  const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': requested }
  return service.inject({ method: 'OPTIONS', url, headers })
}

const corsHeaders = ({ headers }: { readonly headers: Readonly<Record<string, unknown>> }) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'))

t.test('a preflight of an allowed origin gets every header that it requests', async (t) => {
  for (const origin of ['https://app.test', 'https://other.test']) {
    for (const requested of ['idempotency-key', 'authorization,content-type,traceparent,baggage', 'x-of-the-app']) {
      const response = await preflight(allowing, origin, '/refresh', requested)
      t.equal(response.statusCode, 204)
      t.match(response.headers, {
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers': requested,
        'access-control-allow-methods': 'GET, POST, PATCH, DELETE',
        vary: 'Origin, Access-Control-Request-Headers'
      })
    }
  }
})

t.test('other origins get no CORS header, with or without a preflight', async (t) => {
  for (const origin of ['https://evil.test', 'https://app.test.evil.test', 'null', 'https://APP.test', '']) {
    const response = await preflight(allowing, origin)
    expectProblem(t, response, 'method_not_allowed')
    t.strictSame(corsHeaders(response), [])
    t.strictSame(corsHeaders(await allowing.inject({ url: '/features', headers: { origin } })), [])
  }
  t.strictSame(corsHeaders(await preflight(app, 'https://app.test')), [])
})

t.test('an OPTIONS that is no preflight is answered as without allowed origins', async (t) => {
  const response = await allowing.inject({ method: 'OPTIONS', url: '/me' })
  expectProblem(t, response, 'method_not_allowed')
  t.equal(response.headers.allow, 'GET, HEAD, DELETE')
})

t.test("only the addresses of Latchkey's routes answer a preflight", async (t) => {
  for (const url of ['/nowhere', '/%72efresh', '//refresh', '/refresh/']) {
    const response = await preflight(allowing, 'https://app.test', url)
    expectProblem(t, response, 'not_found')
  }
})

t.test("a host's own routes get no CORS header of Latchkey, even without a prefix", async (t) => {
  const host = newHost(t)
  const options = await openPluginOptions(t, database, { allowedOrigins: ['https://app.test'] })
  await host.register(httpPlugin, options)
  host.get('/own', async () => 'own')
  for (const url of ['/own', '/of-nobody']) {
    const response = await preflight(host, 'https://app.test', url)
    t.equal(response.statusCode, 404, url)
    t.strictSame(corsHeaders(response), [], url)
  }
  t.equal((await preflight(host, 'https://app.test')).statusCode, 204)
})
