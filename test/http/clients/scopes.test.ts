import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import verifier from '../../../src/verifier/index.js'
import { openTestDatabase } from '../../support/database.js'
import { openAdminHost } from '../../support/http/admin.js'
import { newMachine, tokenOf } from '../../support/http/clients.js'
import { newPerson } from '../../support/http/people.js'
import { addressOf } from '../../support/http/services.js'
import { testEnvironment } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const { app: service, admin } = await openAdminHost(t, database, {}, addHostRoutes)
await service.listen({ port: 0, host: '127.0.0.1' })
const machine = await newMachine(admin, ['reports:read', 'reports:write'])
const { client: person } = await newPerson(service)
const { client: visitor } = await newPerson(service, 'session')

/** The same routes in a host of the plugin and in a host of the verifier. */
function addHostRoutes(app: FastifyInstance): void {
  const { authenticate, authenticateOptional, requireRole, requireRecentLogin, requireScope, clientOf } = app.latchkey
  app.get('/reports', { preHandler: requireScope('reports:read') }, async (request) => clientOf(request))
  app.get('/both', { preHandler: [requireScope('reports:read'), requireScope('reports:write')] }, async () => 'both')
  app.get('/own', { preHandler: authenticate }, async ({ auth }) => auth.userId)
  app.get('/page', { preHandler: authenticateOptional }, async () => 'page')
  app.get('/role', { preHandler: [requireScope('reports:read'), requireRole('admin')] }, async () => 'role')
  app.get('/recent', { preHandler: [requireScope('reports:read'), requireRecentLogin(60)] }, async () => 'recent')
  app.get('/mistake', { preHandler: requireScope('reports:read') }, async ({ auth }) => auth.userId)
  app.get('/nobody', async (request) => ({ client: clientOf(request) }))
}

async function verifierHost(t: Test): Promise<FastifyInstance> {
  const app = Fastify()
  const issuer = testEnvironment.ISSUER ?? ''
  await app.register(verifier, { issuer, audience: issuer, jwksUrl: `${addressOf(service)}/.well-known/jwks.json` })
  addHostRoutes(app)
  t.teardown(() => app.close())
  return app
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

for (const [name, open] of [
  ['the plugin', async () => service],
  ['the verifier', verifierHost]
] as const) {
  t.test(
    `${name}: requireScope accepts the token of a client with the scope, and tells which client sent it`,
    async (t) => {
      const app = await open(t)
      const headers = bearer(await tokenOf(service, machine))
      const response = await app.inject({ url: '/reports', headers })
      t.strictSame(response.json(), { clientId: machine.id, scopes: ['reports:read', 'reports:write'] })
      t.equal((await app.inject({ url: '/both', headers })).body, 'both')
      t.strictSame((await app.inject({ url: '/nobody', headers })).json(), { client: null }, 'without a guard')
    }
  )

  t.test(`${name}: requireScope refuses a token without the scope, and names the scope (RFC 6750 §3.1)`, async (t) => {
    const app = await open(t)
    const writer = await tokenOf(service, machine, 'reports:write')
    const similar = await tokenOf(service, await newMachine(admin, ['reports:read2', 'x:reports:read']))
    for (const token of [writer, similar, person.accessToken]) {
      const response = await app.inject({ url: '/reports', headers: bearer(token) })
      t.equal(response.statusCode, 403)
      t.equal(response.json().code, 'insufficient_scope')
      t.equal(response.headers['www-authenticate'], 'Bearer error="insufficient_scope", scope="reports:read"')
    }
  })

  t.test(`${name}: requireScope refuses a request without a good token, and reads no cookie`, async (t) => {
    const app = await open(t)
    const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    for (const [headers, code] of [
      [{}, 'missing_credentials'],
      [{ cookie }, 'missing_credentials'],
      [{ authorization: 'Basic eDp5' }, 'invalid_token'],
      [bearer('x.y.z'), 'invalid_token']
    ] as const) {
      const response = await app.inject({ url: '/reports', headers })
      t.equal(response.statusCode, 401)
      t.equal(response.json().code, code)
    }
  })

  t.test(`${name}: every guard of a person refuses the token of a client`, async (t) => {
    const app = await open(t)
    const headers = bearer(await tokenOf(service, machine))
    for (const url of ['/own', '/page', '/role', '/recent']) {
      const response = await app.inject({ url, headers })
      t.equal(response.statusCode, 403, url)
      t.equal(response.json().code, 'insufficient_scope', url)
      t.equal(response.headers['www-authenticate'], 'Bearer error="insufficient_scope"', url)
    }
    const mistake = await app.inject({ url: '/mistake', headers })
    t.equal(mistake.statusCode, 500)
    t.match(mistake.body, /clientOf\(request\)/)
  })

  t.test(`${name}: a scope that no token can have is refused when the route is added`, async (t) => {
    const { latchkey } = await open(t)
    for (const scope of ['', 'two words', 'a"b', 'a\\b', 'ä', 'x'.repeat(65)]) {
      t.throws(() => latchkey.requireScope(scope), TypeError, scope)
    }
  })
}

t.test(
  'a client is not created with a scope that no client can have, and the answer says which ones there are',
  async (t) => {
    const payload = { name: 'reports', scopes: ['reports:read', 'latchkey:feeds', 'a b'] }
    const response = await admin.send('POST', '/admin/clients', { payload })
    t.equal(response.statusCode, 400)
    const message = /without spaces.* there are latchkey:introspect, latchkey:revoke, latchkey:feed$/
    t.match(response.json(), {
      code: 'invalid_request',
      errors: [
        { field: 'scopes.1', message },
        { field: 'scopes.2', message }
      ]
    })
  }
)

t.test('every route of a person and of an admin refuses the token of a client', async (t) => {
  const { paths } = (await service.inject('/openapi.json')).json()
  const headers = bearer(await tokenOf(service, machine))
  const id = '00000000-0000-4000-8000-000000000000'
  let tried = 0
  for (const [path, methods] of Object.entries<Record<string, { readonly security?: readonly object[] }>>(paths)) {
    for (const [method, { security = [] }] of Object.entries(methods)) {
      if (!security.some((scheme) => 'bearer' in scheme)) continue
      const url = path.replace(/\{\w+\}/g, id)
      const hasBody = method !== 'get'
      const response = await service.inject({
        method: method.toUpperCase() as 'GET',
        url,
        headers,
        ...(hasBody && { payload: everyBody })
      })
      tried += 1
      t.equal(response.statusCode, 403, `${method} ${path}`)
      t.equal(response.json().code, 'insufficient_scope', `${method} ${path}`)
    }
  }
  t.ok(tried > 30)
})

/** The required members of all bodies, because a body is validated before the guard runs. */
const everyBody = {
  confirm: 'revoke-all',
  device: 'phone',
  password: 'x',
  current_password: 'x',
  new_password: 'x',
  deliver: 'link',
  new_email: 'ada@example.com',
  email: 'ada@example.com',
  name: 'reports',
  scopes: ['x']
}

t.test('POST /logout with the token of a client is refused', async (t) => {
  const headers = bearer(await tokenOf(service, machine))
  const response = await service.inject({ method: 'POST', url: '/logout', headers })
  t.equal(response.json().code, 'insufficient_scope')
})
