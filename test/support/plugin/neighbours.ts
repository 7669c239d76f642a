import type { FastifyInstance, FastifyPluginAsync, FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import { httpPlugin, type PluginOptions } from '../../../src/http/plugin.js'
import verifier from '../../../src/verifier/index.js'
import { latchkeyWorks, newHost } from '../host.js'
import { type Issuer, startIssuer } from '../verifier/issuer.js'

/** A plugin or setting of a host app, and a check that it works beside Latchkey. */
export interface Neighbour {
  readonly name: string
  readonly server?: FastifyServerOptions
  add(app: FastifyInstance): unknown
  /** Checked where Latchkey's routes are at `/auth` of this app. */
  works?(t: Test, app: FastifyInstance): Promise<void>
  /** Only before Latchkey, because Fastify refuses it after. */
  readonly onlyBefore?: boolean
}

type Order = 'before' | 'after'

/**
 * Tries each neighbour, added before and after, with Latchkey's plugin, with the verifier's, and with both in scopes side
 * by side.
 */
export function tryNeighbours(
  t: Test,
  neighbours: readonly Neighbour[],
  options: Pick<PluginOptions, 'ports' | 'settings'>
): void {
  for (const neighbour of neighbours) {
    const orders: readonly Order[] = neighbour.onlyBefore ? ['before'] : ['before', 'after']
    for (const order of orders) {
      t.test(`in a host with ${neighbour.name}, added ${order} Latchkey`, async (t) => {
        const app = await hostOf(t, neighbour, order, (app) => addService(app, options))
        await t.test('Latchkey works', (t) => latchkeyWorks(t, app))
      })

      t.test(`in a host with ${neighbour.name}, added ${order} the verifier`, async (t) => {
        const issuer = await startIssuer(t)
        const app = await hostOf(t, neighbour, order, (app) => addVerifier(app, issuer), false)
        await t.test('the verifier works', (t) => verifierWorks(t, app, issuer))
      })
    }

    t.test(`in a host with ${neighbour.name}, with Latchkey and the verifier side by side`, async (t) => {
      const issuer = await startIssuer(t)
      const service: FastifyPluginAsync = async (scope) => addService(scope, options)
      const verifying: FastifyPluginAsync = async (scope) => addVerifier(scope, issuer)
      const app = await hostOf(
        t,
        neighbour,
        'before',
        async (app) => {
          await app.register(service)
          await app.register(verifying)
        },
        false
      )
      await t.test('Latchkey works', (t) => latchkeyWorks(t, app))
      await t.test('the verifier works', (t) => verifierWorks(t, app, issuer))
    })
  }
}

async function hostOf(
  t: Test,
  { server, add, works }: Neighbour,
  order: Order,
  addLatchkey: (app: FastifyInstance) => Promise<void>,
  checksHost = true
): Promise<FastifyInstance> {
  const app = newHost(t, server)
  if (order === 'before') await add(app)
  await addLatchkey(app)
  if (order === 'after') await add(app)
  await app.ready()
  if (works && checksHost) await t.test('the host works', (t) => works(t, app))
  return app
}

async function addService(app: FastifyInstance, options: Pick<PluginOptions, 'ports' | 'settings'>): Promise<void> {
  await app.register(httpPlugin, { ...options, prefix: '/auth' })
  app.get('/guarded', { preHandler: app.latchkey.authenticate }, async (request) => app.latchkey.authOf(request))
}

async function addVerifier(app: FastifyInstance, { url: issuer, audience }: Issuer): Promise<void> {
  await app.register(verifier, { issuer, audience })
  app.get('/verified', { preHandler: app.latchkey.authenticate }, async (request) => app.latchkey.authOf(request))
}

async function verifierWorks(t: Test, app: FastifyInstance, issuer: Issuer): Promise<void> {
  const anonymous = await app.inject('/verified')
  t.equal(anonymous.statusCode, 401)
  t.equal(anonymous.headers['www-authenticate'], 'Bearer')
  t.match(anonymous.json(), { code: 'missing_credentials', type: `${issuer.url}/docs/errors.md#missing_credentials` })
  const headers = { authorization: `Bearer ${issuer.token({ sub: 'ada' })}` }
  t.match((await app.inject({ url: '/verified', headers })).body, '"userId":"ada"')
}
