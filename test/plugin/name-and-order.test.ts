import auth from '@fastify/auth'
import Fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import t, { type Test } from 'tap'
import { httpPlugin } from '../../src/http/plugin.js'
import verifier from '../../src/verifier/index.js'
import { openTestDatabase } from '../support/database.js'
import { newHost, openPluginOptions, signedIn } from '../support/host.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const options = await openPluginOptions(t, database)
const ofVerifier = { issuer: 'https://auth.test', audience: 'https://api.test' }

const kinds: Readonly<Record<string, (app: FastifyInstance) => Promise<void>>> = {
  Latchkey: async (app) => void (await app.register(httpPlugin, { ...options, prefix: '/auth' })),
  'the verifier': async (app) => void (await app.register(verifier, ofVerifier))
}

for (const [name, add] of Object.entries(kinds)) {
  t.test(`a host that decorates request.auth after ${name} gets Fastify's refusal, which names it`, async (t) => {
    const app = newHost(t)
    await add(app)
    t.throws(() => app.decorateRequest('auth'), { code: 'FST_ERR_DEC_ALREADY_PRESENT', message: /'auth'/ })
    await app.ready()
  })

  t.test(`in app.auth of @fastify/auth, a route that ${name} refuses is not run`, async (t) => {
    const { app, runs } = await composed(t, add)
    for (const url of ['/and', '/or']) {
      const response = await app.inject({ url, headers: { 'x-own': 'no' } })
      t.equal(response.statusCode, 401, url)
    }
    t.equal((await app.inject({ url: '/and', headers: { 'x-own': 'yes' } })).json().code, 'missing_credentials')
    t.equal(runs(), 0)
  })
}

t.test('in app.auth of @fastify/auth with or, the way of the host or that of Latchkey lets pass', async (t) => {
  const { app, runs } = await composed(t, async (app) => {
    await app.register(httpPlugin, { ...options, prefix: '/auth' })
  })
  t.equal((await app.inject({ url: '/or', headers: { 'x-own': 'yes' } })).body, 'run')
  t.equal((await (await signedIn(app)).send('GET', '/or')).body, 'run')
  t.equal(runs(), 2)
})

t.test('the verifier is known as latchkey-verifier, to hasPlugin, to dependents and to a wrong Fastify', async (t) => {
  const app = newHost(t)
  await app.register(verifier, ofVerifier)
  t.ok(app.hasPlugin('latchkey-verifier'))
  const dependent: FastifyPluginAsync = async () => undefined
  await app.register(fp(dependent, { name: 'reports', dependencies: ['latchkey-verifier'] }))

  const old = Fastify()
  t.teardown(() => old.close())
  Object.defineProperty(old, 'version', { value: '4.29.0' })
  await t.rejects(async () => old.register(verifier, ofVerifier), {
    code: 'FST_ERR_PLUGIN_VERSION_MISMATCH',
    message: /latchkey-verifier - expected '5\.x' fastify version/
  })
})

/** A host whose routes combine its own check with Latchkey's guard. Counts how often a route ran. */
async function composed(t: Test, add: (app: FastifyInstance) => Promise<void>) {
  const app = newHost(t)
  let ran = 0
  const own = async ({ headers }: { readonly headers: Readonly<Record<string, unknown>> }) => {
    if (headers['x-own'] !== 'yes') throw Object.assign(new Error('not by this way'), { statusCode: 401 })
  }
  await app.register(auth)
  await add(app)
  const run = async () => {
    ran += 1
    return 'run'
  }
  const { authenticate } = app.latchkey
  app.get('/and', { preHandler: app.auth([own, authenticate], { relation: 'and' }) }, run)
  app.get('/or', { preHandler: app.auth([own, authenticate], { relation: 'or' }) }, run)
  return { app, runs: () => ran }
}
