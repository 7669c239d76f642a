import type { InjectOptions } from 'fastify'
import t from 'tap'
import { httpPlugin } from '../../src/http/plugin.js'
import { openTestDatabase } from '../support/database.js'
import { newHost, openPluginOptions } from '../support/host.js'
import { newPerson } from '../support/http/people.js'
import { asGateway, serviceSecret } from '../support/http/services.js'
import { specificationOf } from '../support/http/specification.js'

/** The routes without a guard. A new route that is missing here must have a guard. */
const publicRoutes = [
  'POST /register',
  'POST /password/forgot',
  'POST /password/reset',
  'POST /email/confirm',
  'POST /email/undo',
  'POST /email/verification/confirm',
  'POST /login',
  'POST /refresh',
  'POST /logout',
  'POST /token',
  'GET /.well-known/jwks.json',
  'GET /.well-known/oauth-authorization-server',
  'GET /.well-known/change-password',
  'GET /features',
  'GET /healthz',
  'GET /readyz',
  'GET /metrics',
  'GET /account',
  'GET /account/assets/:asset',
  'GET /console',
  'GET /console/assets/:asset',
  'GET /openapi.json',
  'GET /docs',
  'GET /docs/errors.md',
  'GET /docs/json',
  'GET /docs/yaml',
  'GET /docs/static/*',
  'GET /docs/static/index.html',
  'GET /docs/static/swagger-initializer.js'
]
const serviceRoutes = ['POST /introspect', 'POST /revoke', 'GET /revocations']

/** The required members of all bodies, because a body is validated before the guard runs. */
const payload = {
  confirm: 'revoke-all',
  device: 'phone',
  password: 'x',
  current_password: 'x',
  new_password: 'x',
  deliver: 'link',
  new_email: 'ada@example.com',
  email: 'ada@example.com',
  name: 'reports',
  scopes: ['reports:read']
}

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = newHost(t)
const routes = new Set<string>()
app.addHook('onRoute', ({ method, url }) => {
  for (const name of [method].flat()) routes.add(`${name} ${url}`)
})
await app.register(
  httpPlugin,
  await openPluginOptions(t, database, { serviceCredentials: [`gateway:${serviceSecret}`] })
)
await app.ready()
const { paths } = await specificationOf(app)
const { client: user } = await newPerson(app)

const guarded = [...routes]
  .map((name) => {
    const [method = '', url = ''] = name.split(' ')
    const route = `${method === 'HEAD' ? 'GET' : method} ${url.replace(/\/$/, '')}`
    const path = url.replace(/:\w+/g, '00000000-0000-4000-8000-000000000000')
    const request: InjectOptions = {
      method: method as 'GET',
      url: path,
      ...(['POST', 'PATCH', 'DELETE'].includes(method) && { payload })
    }
    const security = paths[url.replace(/:(\w+)/g, '{$1}')]?.[route.split(' ')[0]?.toLowerCase() ?? '']?.security
    return { name, route, url, request, security }
  })
  .filter(({ route }) => !publicRoutes.includes(route))

t.test('every public and service route that this test names exists', async (t) => {
  const missing = [...publicRoutes, ...serviceRoutes].filter((name) => !routes.has(name))
  t.strictSame(missing, [])
})

t.test('the walk finds routes of every guard', async (t) => {
  for (const name of [...serviceRoutes, 'GET /me', 'DELETE /sessions/:id', 'POST /admin/keys/rotate'])
    t.ok(
      guarded.some((route) => route.name === name),
      name
    )
})

for (const { name, route, url, request, security } of guarded) {
  const isForServices = serviceRoutes.includes(route)

  t.test(`${name} answers 401 without a credential`, async (t) => {
    const response = await app.inject(request)
    t.equal(response.statusCode, 401)
    t.equal(response.headers['www-authenticate'], isForServices ? 'Basic realm="latchkey"' : 'Bearer')
    if (request.method !== 'HEAD') t.equal(response.json().code, 'missing_credentials')
    if (isForServices) t.match(security, [{ service: [] }, { client: [/^latchkey:/] }], 'is described')
    else t.strictSame(security, [{ bearer: [] }, { session: [] }], 'is described')
  })

  if (isForServices) {
    t.test(`${name} refuses a user's access token`, async (t) => {
      const authorization = `Bearer ${user.accessToken}`
      t.equal((await app.inject({ ...request, headers: { authorization } })).statusCode, 403)
    })
  } else {
    t.test(`${name} refuses a service's credential`, async (t) => {
      t.equal((await app.inject({ ...request, headers: asGateway })).statusCode, 401)
    })
  }

  if (url.startsWith('/admin')) {
    t.test(`${name} answers 403 to a user without the role admin`, async (t) => {
      const response = await app.inject({ ...request, headers: { authorization: `Bearer ${user.accessToken}` } })
      t.equal(response.statusCode, 403)
      if (request.method !== 'HEAD') t.equal(response.json().code, 'insufficient_scope')
    })
  }
}
