import compress from '@fastify/compress'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { httpPlugin } from '../../src/http/plugin.js'
import verifier from '../../src/verifier/index.js'
import { openTestDatabase } from '../support/database.js'
import { latchkeyWorks, newHost, openPluginOptions, signedIn } from '../support/host.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const credential = 'reports:a-secret-of-at-least-32-characters'
const options = await openPluginOptions(t, database, {
  allowedOrigins: ['https://app.test'],
  serviceCredentials: [credential]
})

const envelopes: Readonly<Record<string, (app: FastifyInstance) => unknown>> = {
  'a preSerialization hook': (app) =>
    app.addHook('preSerialization', async (_request, _reply, payload) => ({ data: payload })),
  'a preSerialization hook that changes the body itself': (app) =>
    app.addHook('preSerialization', async (_request, _reply, payload) =>
      Object.assign(Object(payload), { title: 'of the host', access_token: 'of the host', more: true })
    ),
  setReplySerializer: (app) => app.setReplySerializer((payload) => JSON.stringify({ data: payload })),
  'reply.serializer in a hook': (app) =>
    app.addHook('onRequest', async (_request, reply) => {
      reply.serializer(() => '"of the host"')
    })
}

/** A host with such a hook, its own guarded route, and Latchkey under `/auth`. */
async function hostWith(t: Test, add: (app: FastifyInstance) => unknown): Promise<FastifyInstance> {
  const app = newHost(t)
  add(app)
  await app.register(httpPlugin, { ...options, prefix: '/auth' })
  app.get('/own', { preHandler: app.latchkey.authenticate }, async () => ({ own: true }))
  return app
}

for (const [name, add] of Object.entries(envelopes)) {
  t.test(`${name} of the host leaves every body of Latchkey as it is`, async (t) => {
    const app = await hostWith(t, add)
    await latchkeyWorks(t, app)

    const anonymous = await app.inject('/auth/me')
    t.strictSame(Object.keys(anonymous.json()), ['type', 'title', 'status', 'code'])
    t.equal(anonymous.headers['content-length'], String(Buffer.byteLength(anonymous.body)))
    const head = await app.inject({ method: 'HEAD', url: '/auth/healthz' })
    const health = await app.inject('/auth/healthz')
    t.strictSame(health.json(), { status: 'ok' })
    t.equal(health.headers['content-type'], 'application/json; charset=utf-8')
    t.equal(head.headers['content-length'], health.headers['content-length'])
    t.match((await app.inject('/auth/docs/json')).json(), { openapi: '3.1.0' })
    t.match((await app.inject('/auth/.well-known/jwks.json')).json(), { keys: [{ kty: 'EC' }] })
    for (const page of ['/auth/account', '/auth/console', '/auth/docs', '/auth/docs/errors.md']) {
      t.match((await app.inject(page)).body, /^\s*(<!|# Errors)/, page)
    }
  })

  t.test(`${name} changes bodies of the host, and no refusal of a guard`, async (t) => {
    const app = await hostWith(t, add)
    const refused = await app.inject('/own')
    t.strictSame(Object.keys(refused.json()), ['type', 'title', 'status', 'code'])
    t.equal(refused.headers['content-length'], String(Buffer.byteLength(refused.body)))
    t.equal(refused.headers['content-type'], 'application/problem+json; charset=utf-8')
    const client = await signedIn(app)
    t.notSame((await client.send('GET', '/own')).body, '{"own":true}')
  })

  t.test(`${name} changes no refusal of the verifier`, async (t) => {
    const app = newHost(t)
    add(app)
    await app.register(verifier, { issuer: 'https://auth.test', audience: 'https://api.test' })
    app.get('/own', { preHandler: app.latchkey.authenticate }, async () => ({ own: true }))
    const refused = await app.inject('/own')
    t.strictSame(Object.keys(refused.json()), ['type', 'title', 'status', 'code'])
    t.equal(refused.headers['content-length'], String(Buffer.byteLength(refused.body)))
  })

  t.test(`${name} leaves the feed of revocations as it is`, async (t) => {
    const app = await hostWith(t, add)
    const address = await app.listen({ port: 0, host: '127.0.0.1' })
    t.match(await beginningOfFeed(address), 'event: ready')
  })
}

t.test('@fastify/compress of every type holds back no entry of the feed of revocations', async (t) => {
  const app = newHost(t)
  await app.register(compress, { threshold: 0, customTypes: () => true })
  await app.register(httpPlugin, { ...options, prefix: '/auth' })
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  t.match(await beginningOfFeed(address), 'event: ready')
})

t.test('a hook that the host adds after Latchkey leaves its bodies as they are too', async (t) => {
  const app = newHost(t)
  await app.register(httpPlugin, { ...options, prefix: '/auth' })
  app.addHook('preSerialization', async (_request, _reply, payload) => ({ data: payload }))
  app.get('/own', async () => ({ own: true }))
  t.strictSame((await app.inject('/own')).json(), { data: { own: true } })
  t.strictSame((await app.inject('/auth/healthz')).json(), { status: 'ok' })
  t.equal((await app.inject('/auth/me')).json().code, 'missing_credentials')
})

t.test('an onSend hook that rewrites bodies rewrites ours too, with the right length', async (t) => {
  const app = await hostWith(t, (app) =>
    app.addHook('onSend', async (_request, _reply, payload) =>
      typeof payload === 'string' ? `{"data":${payload}}` : payload
    )
  )
  const response = await app.inject('/auth/healthz')
  t.strictSame(response.json(), { data: { status: 'ok' } })
  t.equal(response.headers['content-length'], String(Buffer.byteLength(response.body)))
})

/** What `GET /revocations` sends until it is ready. */
async function beginningOfFeed(address: string): Promise<string> {
  const stop = new AbortController()
  const { body, headers } = await fetch(`${address}/auth/revocations`, {
    headers: { authorization: `Basic ${Buffer.from(credential).toString('base64')}` },
    signal: stop.signal
  })
  if (headers.has('content-encoding')) throw new Error('The feed is compressed.')
  let text = ''
  for await (const chunk of body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.includes('event: ready')) break
  }
  stop.abort()
  return text
}
