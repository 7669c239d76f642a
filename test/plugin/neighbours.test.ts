import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import jwt from '@fastify/jwt'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import t from 'tap'
import { openTestDatabase } from '../support/database.js'
import { openPluginOptions, signedIn } from '../support/host.js'
import { type Neighbour, tryNeighbours } from '../support/plugin/neighbours.js'

const neighbours: readonly Neighbour[] = [
  {
    name: '@fastify/jwt',
    async add(app) {
      await app.register(jwt, { secret: 'the secret of the host', sign: { expiresIn: '1h' } })
      app.get(
        '/own',
        { onRequest: async (request) => void (await request.jwtVerify()) },
        async (request) => request.user
      )
    },
    async works(t, app) {
      const headers = { authorization: `Bearer ${app.jwt.sign({ name: 'a user of the host' })}` }
      t.match((await app.inject({ url: '/own', headers })).json(), { name: 'a user of the host' })
      t.equal(
        (await app.inject({ url: '/auth/me', headers })).json().code,
        'invalid_token',
        'a token of the host is invalid for us'
      )
      const client = await signedIn(app)
      t.notOk((await client.send('GET', '/own')).statusCode < 400, 'our token is invalid for the host')
    }
  },
  {
    name: '@fastify/cookie with options that would break our cookies',
    async add(app) {
      await app.register(cookie, {
        secret: 'the secret of the host',
        parseOptions: { domain: 'host.test', signed: true }
      })
      app.get('/own', async (_request, reply) => reply.setCookie('theme', 'dark').send('set'))
    },
    async works(t, app) {
      t.match((await app.inject('/own')).headers['set-cookie'], /^theme=dark\..+; Domain=host\.test/)
    }
  },
  {
    name: '@fastify/cookie without its hook',
    async add(app) {
      await app.register(cookie, { hook: false })
      app.get('/own', async (_request, reply) =>
        reply.header('set-cookie', app.serializeCookie('theme', 'dark')).send()
      )
    },
    async works(t, app) {
      t.equal((await app.inject('/own')).headers['set-cookie'], 'theme=dark')
    }
  },
  {
    name: '@fastify/cors',
    async add(app) {
      await app.register(cors, { origin: ['https://host.test', 'https://app.test'], credentials: true })
      app.get('/own', async () => 'own')
    },
    async works(t, app) {
      const headers = { origin: 'https://host.test' }
      t.equal((await app.inject({ url: '/own', headers })).headers['access-control-allow-origin'], 'https://host.test')
    }
  },
  {
    name: '@fastify/rate-limit',
    async add(app) {
      await app.register(rateLimit, { max: 1000, errorResponseBuilder: () => new Error('limited by the host') })
      app.get('/own', { config: { rateLimit: { max: 1 } } }, async () => 'own')
    },
    async works(t, app) {
      t.equal((await app.inject('/own')).body, 'own')
      t.match((await app.inject('/own')).json(), { message: 'limited by the host' })
    }
  },
  {
    name: '@fastify/swagger and @fastify/swagger-ui',
    async add(app) {
      await app.register(swagger, { openapi: { info: { title: 'The host', version: '7' } } })
      await app.register(swaggerUi, { routePrefix: '/documentation' })
      app.get('/own', { schema: { summary: 'Of the host' } }, async () => 'own')
    },
    async works(t, app) {
      const theirs = (await app.inject('/documentation/json')).json()
      t.equal(theirs.info.title, 'The host')
      t.equal(theirs.paths['/own'].get.summary, 'Of the host')
      t.equal((await app.inject('/documentation/static/swagger-ui.css')).statusCode, 200)
    }
  },
  {
    name: '@fastify/swagger for OpenAPI 2',
    async add(app) {
      await app.register(swagger, { swagger: { info: { title: 'The host', version: '7' } } })
      app.get('/own', { schema: { summary: 'Of the host' } }, async () => 'own')
    },
    async works(t, app) {
      t.match(app.swagger(), { swagger: '2.0', paths: { '/own': {} } })
    }
  },
  {
    name: 'an error handler',
    add(app) {
      app.setErrorHandler((error: Error, _request, reply) => reply.code(418).send({ host: error.message }))
      app.get('/own', async () => {
        throw new Error('of the host')
      })
    },
    async works(t, app) {
      const response = await app.inject('/own')
      t.equal(response.statusCode, 418)
      t.strictSame(response.json(), { host: 'of the host' })
    }
  },
  {
    name: 'a not-found handler',
    add(app) {
      app.setNotFoundHandler((_request, reply) => reply.code(404).send('no such page of the host'))
    },
    async works(t, app) {
      t.equal((await app.inject('/nowhere')).body, 'no such page of the host')
    }
  },
  {
    name: 'a lenient validator',
    server: { ajv: { customOptions: { coerceTypes: 'array', removeAdditional: 'all', allErrors: false } } },
    add(app) {
      const schema = { body: { type: 'object', properties: { age: { type: 'integer' } }, additionalProperties: false } }
      app.post('/own', { schema }, async (request) => request.body)
    },
    async works(t, app) {
      const response = await app.inject({ method: 'POST', url: '/own', payload: { age: '7', other: true } })
      t.strictSame(response.json(), { age: 7 })
    }
  },
  {
    name: 'compilers for other schemas',
    add(app) {
      app.setValidatorCompiler(() => () => true)
      app.setSerializerCompiler(() => () => '"of the host"')
      app.get('/own', { schema: { response: { 200: {} } } }, async () => ({ any: 'thing' }))
    },
    async works(t, app) {
      t.equal((await app.inject('/own')).body, '"of the host"')
    }
  },
  {
    name: 'a schema error formatter',
    add(app) {
      app.setSchemaErrorFormatter(() => new Error('formatted by the host'))
      app.get('/own', { schema: { querystring: { type: 'object', required: ['a'] } } }, async () => 'own')
    },
    async works(t, app) {
      t.equal((await app.inject('/own')).json().message, 'formatted by the host')
    }
  },
  {
    name: 'its own content type parsers',
    add(app) {
      app.removeAllContentTypeParsers()
      app.addContentTypeParser('*', { parseAs: 'string' }, async (_request: unknown, body: string) => ({ raw: body }))
      app.post('/own', async (request) => request.body)
    },
    async works(t, app) {
      const headers = { 'content-type': 'application/json' }
      t.strictSame((await app.inject({ method: 'POST', url: '/own', headers, payload: '{}' })).json(), { raw: '{}' })
    }
  }
]

const database = await openTestDatabase(t, { kind: 'embedded' })
const options = await openPluginOptions(t, database, { allowedOrigins: ['https://app.test'] })

tryNeighbours(t, neighbours, options)
