import { gunzipSync } from 'node:zlib'
import compress from '@fastify/compress'
import etag from '@fastify/etag'
import helmet from '@fastify/helmet'
import multipart from '@fastify/multipart'
import { fastifyRequestContext, requestContext } from '@fastify/request-context'
import sensible from '@fastify/sensible'
import underPressure from '@fastify/under-pressure'
import t from 'tap'
import { openTestDatabase } from '../support/database.js'
import { openPluginOptions } from '../support/host.js'
import { type Neighbour, tryNeighbours } from '../support/plugin/neighbours.js'

const form = {
  headers: { 'content-type': 'multipart/form-data; boundary=x' },
  payload: '--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nada@example.org\r\n--x--\r\n'
}

const neighbours: readonly Neighbour[] = [
  {
    name: '@fastify/compress of every body',
    async add(app) {
      await app.register(compress, { threshold: 0 })
      app.get('/own', async () => ({ own: true }))
    },
    async works(t, app) {
      const gzip = { 'accept-encoding': 'gzip' }
      for (const url of ['/own', '/auth/healthz', '/auth/me', '/auth/account', '/auth/docs/errors.md']) {
        const [plain, packed] = [await app.inject(url), await app.inject({ url, headers: gzip })]
        t.equal(packed.statusCode, plain.statusCode)
        t.equal(packed.headers['content-type'], plain.headers['content-type'])
        const isPacked = packed.headers['content-encoding'] === 'gzip'
        t.equal((isPacked ? gunzipSync(packed.rawPayload) : packed.rawPayload).toString(), plain.body, url)
      }
    }
  },
  {
    name: '@fastify/etag',
    async add(app) {
      await app.register(etag)
      app.get('/own', async () => 'own')
    },
    async works(t, app) {
      for (const url of ['/own', '/auth/account', '/auth/.well-known/jwks.json']) {
        const { headers } = await app.inject(url)
        const again = await app.inject({ url, headers: { 'if-none-match': String(headers.etag) } })
        t.equal(again.statusCode, 304, url)
      }
    }
  },
  {
    name: '@fastify/helmet',
    async add(app) {
      await app.register(helmet)
      app.get('/own', async () => 'own')
    },
    async works(t, app) {
      t.match((await app.inject('/own')).headers['content-security-policy'], "default-src 'self'")
      t.match((await app.inject('/auth/account')).headers['content-security-policy'], "default-src 'none'")
    }
  },
  {
    name: '@fastify/under-pressure',
    async add(app) {
      let isHealthy = true
      await app.register(underPressure, { healthCheck: async () => isHealthy, healthCheckInterval: 3_600_000 })
      app.get('/own', async () => app.isUnderPressure())
      app.post('/own', async () => {
        isHealthy = false
      })
    },
    async works(t, app) {
      t.equal((await app.inject('/own')).json(), false)
    }
  },
  {
    name: '@fastify/multipart that attaches every field to the body',
    async add(app) {
      await app.register(multipart, { attachFieldsToBody: 'keyValues' })
      app.post('/own', async (request) => request.body)
    },
    async works(t, app) {
      t.strictSame((await app.inject({ method: 'POST', url: '/own', ...form })).json(), { email: 'ada@example.org' })
      const login = await app.inject({ method: 'POST', url: '/auth/login', ...form })
      t.equal(login.statusCode, 415)
      t.equal(login.json().code, 'unsupported_media_type')
    }
  },
  {
    name: '@fastify/request-context',
    async add(app) {
      await app.register(fastifyRequestContext)
      app.addHook('onRequest', async (request) => requestContext.set('id' as never, request.id as never))
      app.get('/own', async (request) => requestContext.get('id' as never) === request.id)
    },
    async works(t, app) {
      t.equal((await app.inject('/own')).body, 'true')
    }
  },
  {
    name: '@fastify/sensible, and a hook that refuses with its errors',
    async add(app) {
      await app.register(sensible)
      app.addHook('preHandler', async (request) => {
        if (request.headers['x-debt']) throw app.httpErrors.paymentRequired('Pay your bill.')
      })
      app.get('/own', async () => 'own')
    },
    async works(t, app) {
      const headers = { 'x-debt': '1' }
      t.equal((await app.inject({ url: '/own', headers })).statusCode, 402)
      t.match((await app.inject({ url: '/auth/healthz', headers })).json(), {
        status: 402,
        code: 'refused_by_app',
        detail: 'Pay your bill.'
      })
    }
  },
  {
    name: 'options of Fastify that loosen its router, parser and ids',
    server: {
      routerOptions: {
        caseSensitive: false,
        ignoreTrailingSlash: true,
        ignoreDuplicateSlashes: true
      },
      exposeHeadRoutes: false,
      bodyLimit: 16,
      trustProxy: true,
      genReqId: () => 'an id of the host',
      requestIdHeader: 'x-trace',
      onProtoPoisoning: 'ignore',
      onConstructorPoisoning: 'ignore'
    },
    add(app) {
      app.get('/own', async (request) => request.id)
      app.post('/own', async () => 'own')
    },
    async works(t, app) {
      t.equal((await app.inject({ url: '/OWN/', headers: { 'x-trace': 'of the client' } })).body, 'of the client')
      t.equal((await app.inject({ method: 'POST', url: '/own', payload: { a: 'x'.repeat(20) } })).statusCode, 413)
      t.equal((await app.inject('/AUTH/me')).statusCode, 404)
      t.equal((await app.inject('/auth/me/')).statusCode, 404)
    }
  },
  {
    name: 'a body limit for uploads',
    server: { bodyLimit: 100 * 1024 * 1024 },
    add(app) {
      app.post('/own', async () => 'own')
    },
    async works(t, app) {
      const payload = { email: 'x'.repeat(70_000), password: 'x' }
      t.equal((await app.inject({ method: 'POST', url: '/own', payload })).statusCode, 200)
      t.equal((await app.inject({ method: 'POST', url: '/auth/login', payload })).json().code, 'body_too_large')
    }
  }
]

const database = await openTestDatabase(t, { kind: 'embedded' })
const options = await openPluginOptions(t, database, { allowedOrigins: ['https://app.test'] })
tryNeighbours(t, neighbours, options)
