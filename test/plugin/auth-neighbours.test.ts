import auth from '@fastify/auth'
import cookie from '@fastify/cookie'
import jwt from '@fastify/jwt'
import { Authenticator } from '@fastify/passport'
import secureSession from '@fastify/secure-session'
import session from '@fastify/session'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { openTestDatabase } from '../support/database.js'
import { openPluginOptions, signedIn } from '../support/host.js'
import { type Neighbour, tryNeighbours } from '../support/plugin/neighbours.js'

/** A decorator that a host may add under any name, whatever the types of Fastify's plugins say. */
function decorate(app: FastifyInstance, name: string, value: unknown): void {
  app.decorate<unknown, string>(name, value)
}

/** The tutorial of @fastify/jwt. */
async function addJwt(app: FastifyInstance): Promise<void> {
  await app.register(jwt, { secret: 'the secret of the host' })
  decorate(app, 'authenticate', async (request: FastifyRequest, reply: FastifyReply) => {
    try {
      await request.jwtVerify()
    } catch (error) {
      return reply.send(error)
    }
  })
  app.get(
    '/own',
    {
      onRequest: async (request, reply) =>
        app.getDecorator<(request: FastifyRequest, reply: FastifyReply) => unknown>('authenticate')(request, reply)
    },
    async (request) => request.user
  )
}

async function cookieOf(app: FastifyInstance, url: string): Promise<string> {
  const response = await app.inject(url)
  return response.cookies.map(({ name, value }) => `${name}=${encodeURIComponent(value)}`).join('; ')
}

/** Counts the visits of a browser in a session of the host, also on Latchkey's routes. */
async function countsVisits(t: Test, app: FastifyInstance): Promise<void> {
  const headers = { cookie: await cookieOf(app, '/own') }
  t.equal((await app.inject({ url: '/own', headers })).body, '2')
}

const neighbours: readonly Neighbour[] = [
  {
    name: '@fastify/jwt and the authenticate of its tutorial',
    add: addJwt,
    async works(t, app) {
      t.equal((await app.inject('/own')).json().code, 'FST_JWT_NO_AUTHORIZATION_IN_HEADER')
      const headers = { authorization: `Bearer ${app.jwt.sign({ name: 'a user of the host' })}` }
      t.match((await app.inject({ url: '/own', headers })).json(), { name: 'a user of the host' })
      t.equal((await app.inject({ url: '/auth/me', headers })).json().code, 'invalid_token')
    }
  },
  {
    name: '@fastify/auth',
    async add(app) {
      await app.register(auth)
      const refuse = async () => Promise.reject(new Error('not by this way'))
      const pass = async () => undefined
      app.get('/own', { preHandler: app.auth([refuse, pass]) }, async () => 'own')
    },
    async works(t, app) {
      t.equal((await app.inject('/own')).body, 'own')
    }
  },
  {
    name: '@fastify/secure-session, and a hook that writes into it',
    async add(app) {
      await app.register(secureSession, { key: Buffer.alloc(32, 7), cookie: { path: '/' } })
      app.addHook('preHandler', async (request) => {
        request.session.set('visits' as never, (Number(request.session.get('visits' as never) ?? 0) + 1) as never)
      })
      app.get('/own', async (request) => String(request.session.get('visits' as never)))
    },
    works: countsVisits
  },
  {
    name: '@fastify/session, and a hook that writes into it',
    async add(app) {
      await app.register(cookie)
      await app.register(session, { secret: 'a secret of the host of 32 characters', cookie: { secure: false } })
      app.addHook('preHandler', async (request) => {
        request.session.set('visits' as never, (Number(request.session.get('visits' as never) ?? 0) + 1) as never)
      })
      app.get('/own', async (request) => String(request.session.get('visits' as never)))
    },
    works: countsVisits
  },
  {
    name: '@fastify/passport on @fastify/secure-session',
    async add(app) {
      const passport = new Authenticator()
      await app.register(secureSession, { key: Buffer.alloc(32, 7), cookie: { path: '/' } })
      await app.register(passport.initialize())
      await app.register(passport.secureSession())
      passport.registerUserSerializer(async (user) => user)
      passport.registerUserDeserializer(async (user) => user)
      app.post('/own/login', async (request) => {
        await request.logIn({ name: 'a user of the host' } as never)
        return 'in'
      })
      app.get('/own', async (request) => request.user ?? null)
    },
    async works(t, app) {
      t.equal((await app.inject('/own')).body, 'null')
      const { cookies } = await app.inject({ method: 'POST', url: '/own/login' })
      const headers = { cookie: cookies.map(({ name, value }) => `${name}=${encodeURIComponent(value)}`).join('; ') }
      t.strictSame((await app.inject({ url: '/own', headers })).json(), { name: 'a user of the host' })
      t.equal((await app.inject({ url: '/auth/me', headers })).json().code, 'missing_credentials')
    }
  },
  {
    name: 'decorators named auth and authenticate on the app, on requests and on replies',
    onlyBefore: true,
    add(app) {
      for (const name of ['auth', 'authenticate', 'requireRole']) decorate(app, name, `${name} of the host`)
      app.decorateRequest<string, string>('auth', 'auth of the request')
      app.decorateReply<string, string>('auth', 'auth of the reply')
      app.get('/own', async (request, reply) => [
        app.getDecorator('auth'),
        request.getDecorator('auth'),
        reply.getDecorator('auth')
      ])
    },
    async works(t, app) {
      t.strictSame((await app.inject('/own')).json(), ['auth of the host', 'auth of the request', 'auth of the reply'])
      const client = await signedIn(app)
      t.equal((await client.send('GET', '/guarded')).json().sessionId, client.sessionId)
    }
  },
  {
    name: 'decorators named auth and authenticate on the app and on replies',
    add(app) {
      for (const name of ['auth', 'authenticate', 'requireRole']) decorate(app, name, `${name} of the host`)
      app.decorateReply<string, string>('auth', 'auth of the reply')
      app.get('/own', async (_request, reply) => [app.getDecorator('auth'), reply.getDecorator('auth')])
    },
    async works(t, app) {
      t.strictSame((await app.inject('/own')).json(), ['auth of the host', 'auth of the reply'])
    }
  },
  {
    name: 'hooks that expect and set a request.user',
    add(app) {
      app.decorateRequest<unknown, string>('user', null)
      app.addHook('onRequest', async (request) => void Object.assign(request, { user: { name: 'of the host' } }))
      app.addHook('preParsing', async (_request, _reply, payload) => payload)
      app.addHook('preValidation', async (request) => void String(request.user))
      app.addHook('preHandler', async (request) => void String(request.user))
      app.get('/own', async (request) => request.user)
    },
    async works(t, app) {
      t.strictSame((await app.inject('/own')).json(), { name: 'of the host' })
    }
  }
]

const database = await openTestDatabase(t, { kind: 'embedded' })
const options = await openPluginOptions(t, database, { allowedOrigins: ['https://app.test'] })
tryNeighbours(t, neighbours, options)
