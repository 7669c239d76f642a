import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply } from 'fastify'
import t, { type Test } from 'tap'
import { httpPlugin } from '../../src/http/plugin.js'
import { openTestDatabase } from '../support/database.js'
import { newHost, openPluginOptions } from '../support/host.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const options = await openPluginOptions(t, database, { issuer: 'https://auth.test/auth' })

/** A host whose hook does `refuse` before each request, also to Latchkey's routes. */
async function refusingHost(t: Test, refuse: (reply: FastifyReply) => unknown): Promise<FastifyInstance> {
  const lines: string[] = []
  const app = newHost(t, { logger: { level: 'error', stream: { write: (line) => void lines.push(line) } } })
  app.addHook('onRequest', async (_request, reply) => refuse(reply))
  await app.register(httpPlugin, { ...options, prefix: '/auth' })
  return app
}

/** An error as http-errors, and with it @fastify/sensible, makes it. */
function httpError(status: number, message: string, more: object = {}): Error {
  return Object.assign(new Error(message), { status, statusCode: status, expose: status < 500, ...more })
}

const withoutCode = [401, 402, 403, 406, 409, 410, 414, 418, 421, 422, 423, 424, 425, 426, 428, 451]

t.test('a refusal of a host hook keeps its status on our routes, as refused_by_app with its text', async (t) => {
  for (const status of withoutCode) {
    const app = await refusingHost(t, () => Promise.reject(httpError(status, 'Pay your bill.')))
    const response = await app.inject({ method: 'POST', url: '/auth/refresh' })
    t.equal(response.statusCode, status)
    t.equal(response.headers['content-type'], 'application/problem+json; charset=utf-8')
    const { title, ...body } = response.json()
    t.ok(title)
    t.strictSame(body, {
      type: '/auth/docs/errors.md#refused_by_app',
      status,
      detail: 'Pay your bill.',
      code: 'refused_by_app'
    })
    t.equal(response.headers['set-cookie'], undefined)
  }
})

t.test('a status for which Latchkey has a general code gets that code', async (t) => {
  const codes = [
    [400, 'invalid_request'],
    [404, 'not_found'],
    [405, 'method_not_allowed'],
    [408, 'request_timeout'],
    [413, 'body_too_large'],
    [415, 'unsupported_media_type'],
    [429, 'too_many_requests'],
    [431, 'headers_too_large'],
    [500, 'internal_error'],
    [503, 'unavailable']
  ] as const
  for (const [status, code] of codes) {
    const app = await refusingHost(t, () => Promise.reject(httpError(status, 'of the host')))
    const response = await app.inject('/auth/healthz')
    t.match(response.json(), { status, code, type: `/auth/docs/errors.md#${code}` })
    t.equal(response.statusCode, status)
  }
})

t.test('a failure of a host hook keeps its status, and its text stays hidden', async (t) => {
  for (const status of [500, 501, 502, 503, 504, 507]) {
    const app = await refusingHost(t, () => Promise.reject(httpError(status, 'db-7.internal is away')))
    const response = await app.inject('/auth/healthz')
    t.equal(response.statusCode, status)
    t.notMatch(response.body, 'db-7')
    t.equal(response.json().detail, undefined)
  }
})

t.test('a text that the host does not expose stays hidden', async (t) => {
  const app = await refusingHost(t, () => Promise.reject(httpError(403, 'in the list of evil', { expose: false })))
  t.equal((await app.inject('/auth/healthz')).json().detail, undefined)
})

t.test('the status may be in error.status, in a plain object, or in reply.code', async (t) => {
  const throws = [
    () => Promise.reject(Object.assign(new Error('no'), { status: 402 })),
    () => Promise.reject({ statusCode: 402, error: 'Payment Required', message: 'no' }),
    (reply: FastifyReply) => {
      reply.code(402)
      throw new Error('no')
    }
  ]
  for (const refuse of throws) {
    const response = await (await refusingHost(t, refuse)).inject('/auth/healthz')
    t.match(response.json(), { status: 402, code: 'refused_by_app', detail: 'no' })
  }
})

t.test('an error without a status, or with one that no error has, is internal_error', async (t) => {
  for (const error of [new Error('a bug'), httpError(200, 'a bug'), httpError(799, 'a bug'), 'a bug', null]) {
    const app = await refusingHost(t, () => Promise.reject(error))
    const response = await app.inject('/auth/healthz')
    t.equal(response.statusCode, 500)
    t.notMatch(response.body, 'a bug')
  }
})

t.test('headers of the host stay: Retry-After, WWW-Authenticate, and those of the error', async (t) => {
  const app = await refusingHost(t, (reply) => {
    reply.headers({ 'retry-after': '77', 'x-trace': 'abc' })
    throw httpError(429, 'slowly', { headers: { 'RateLimit-Reset': 77 } })
  })
  t.match((await app.inject('/auth/healthz')).headers, {
    'retry-after': '77',
    'x-trace': 'abc',
    'ratelimit-reset': '77',
    'cache-control': 'no-store'
  })

  const challenging = await refusingHost(t, (reply) => {
    reply.header('www-authenticate', 'Basic realm="staff"')
    throw httpError(401, 'Staff only')
  })
  t.equal((await challenging.inject('/auth/healthz')).headers['www-authenticate'], 'Basic realm="staff"')
})

t.test('a 401 without a challenge, and a 429 or 503 without a time, get one', async (t) => {
  for (const [status, name, value] of [
    [401, 'www-authenticate', 'Bearer'],
    [429, 'retry-after', '1'],
    [503, 'retry-after', '1']
  ] as const) {
    const app = await refusingHost(t, () => Promise.reject(httpError(status, 'no')))
    t.equal((await app.inject('/auth/healthz')).headers[name], value)
  }
})

t.test('our own refusals keep our headers, whatever a hook has set', async (t) => {
  const app = await refusingHost(t, (reply) => void reply.header('www-authenticate', 'Basic realm="staff"'))
  const response = await app.inject('/auth/me')
  t.equal(response.json().code, 'missing_credentials')
  t.equal(response.headers['www-authenticate'], 'Bearer')
})

t.test('a host that answers by itself in a hook is left alone', async (t) => {
  const app = await refusingHost(t, (reply) => reply.code(403).send({ of: 'the host' }))
  const response = await app.inject('/auth/me')
  t.equal(response.statusCode, 403)
  t.strictSame(response.json(), { of: 'the host' })
  t.match(response.headers['content-type'], 'application/json')
})

t.test('an error in a hook that handles our refusal is not taken for a refusal of the host', async (t) => {
  const app = newHost(t)
  app.addHook('onSend', async (_request, reply) => {
    if (reply.statusCode === 401) throw new Error('a bug of the host')
  })
  await app.register(httpPlugin, { ...options, prefix: '/auth' })
  const response = await app.inject('/auth/me')
  t.equal(response.statusCode, 500)
  t.notMatch(response.body, 'a bug of the host')
})

t.test('the 429 of @fastify/rate-limit arrives as too_many_requests, with its headers', async (t) => {
  const app = newHost(t)
  await app.register(rateLimit, { max: 1, timeWindow: '1 minute' })
  await app.register(httpPlugin, { ...options, prefix: '/auth' })
  t.equal((await app.inject('/auth/healthz')).statusCode, 200)
  const response = await app.inject('/auth/healthz')
  t.equal(response.statusCode, 429)
  t.match(response.json(), { code: 'too_many_requests', detail: 'Rate limit exceeded, retry in 1 minute' })
  t.match(response.headers, { 'retry-after': '60', 'x-ratelimit-limit': '1', 'x-ratelimit-remaining': '0' })
})

t.test('the 429 of @fastify/rate-limit with a body of its own keeps its status', async (t) => {
  const app = newHost(t)
  await app.register(rateLimit, {
    max: 0,
    errorResponseBuilder: (_request, { statusCode }) => ({ statusCode, message: 'Slow down' })
  })
  await app.register(httpPlugin, { ...options, prefix: '/auth' })
  t.match((await app.inject('/auth/healthz')).json(), { status: 429, code: 'too_many_requests', detail: 'Slow down' })
})
