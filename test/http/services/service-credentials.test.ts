import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { asGateway, basic, postForm, serviceSecret, serviceSettings } from '../../support/http/services.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database, serviceSettings)

function expectRefusal(t: Test, response: LightMyRequestResponse, code: string) {
  t.match(response.json(), { code, status: 401 })
  t.equal(response.headers['www-authenticate'], 'Basic realm="latchkey"')
}

for (const [method, url] of [
  ['POST', '/introspect'],
  ['POST', '/revoke'],
  ['GET', '/revocations']
] as const) {
  t.test(`${method} ${url} asks for a Basic credential`, async (t) => {
    expectRefusal(t, await app.inject({ method, url }), 'missing_credentials')
  })

  t.test(`${method} ${url} refuses every other credential`, async (t) => {
    const wrong = [
      basic(`gateway:${serviceSecret}x`),
      basic(`gateway:${serviceSecret.slice(0, -1)}`),
      basic(`other:${serviceSecret}`),
      basic(`:${serviceSecret}`),
      basic('gateway:'),
      basic(''),
      'Basic',
      'Basic %%%',
      `${asGateway.authorization} ${asGateway.authorization}`
    ]
    for (const authorization of wrong) {
      expectRefusal(t, await app.inject({ method, url, headers: { authorization } }), 'invalid_credentials')
    }
    const authorization = `Bearer gateway:${serviceSecret}`
    const response = await app.inject({ method, url, headers: { authorization } })
    t.equal(response.json().code, 'invalid_token')
    t.equal(response.headers['www-authenticate'], 'Bearer error="invalid_token"')
  })
}

t.test('the guard runs before the body is read', async (t) => {
  const headers = { 'content-type': 'application/json' }
  const response = await app.inject({ method: 'POST', url: '/introspect', headers, payload: '{' })
  expectRefusal(t, response, 'missing_credentials')
})

t.test('without SERVICE_CREDENTIALS every credential but those of clients is refused', async (t) => {
  const closed = await openService(t, database)
  expectRefusal(t, await postForm(closed, '/introspect', { token: 'x' }), 'invalid_credentials')
})

t.test('two secrets of one id are accepted during a change, and so is the encoding of RFC 6749', async (t) => {
  const [old, next] = ['o'.repeat(32), '+/=%&'.repeat(8)]
  const changing = await openService(t, database, { SERVICE_CREDENTIALS: `api:${old},api:${next}` })
  for (const credential of [`api:${old}`, `api:${next}`, `api:${encodeURIComponent(next)}`]) {
    const response = await postForm(changing, '/introspect', { token: 'x' }, { authorization: basic(credential) })
    t.equal(response.statusCode, 200, credential)
  }
})

t.test('the metadata names the endpoints and their authentication (RFC 8414 §2)', async (t) => {
  t.match((await app.inject('/.well-known/oauth-authorization-server')).json(), {
    introspection_endpoint: 'https://auth.test/introspect',
    token_endpoint: 'https://auth.test/token',
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    grant_types_supported: ['client_credentials'],
    scopes_supported: ['latchkey:introspect', 'latchkey:revoke', 'latchkey:feed'],
    introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'Bearer'],
    revocation_endpoint: 'https://auth.test/revoke',
    revocation_endpoint_auth_methods_supported: ['client_secret_basic'],
    revocation_feed: 'https://auth.test/revocations'
  })
})

t.test('the specification shows the forms and their credential', async (t) => {
  const { paths, components } = (await app.inject('/openapi.json')).json()
  for (const [path, scope] of [
    ['/introspect', 'latchkey:introspect'],
    ['/revoke', 'latchkey:revoke']
  ]) {
    const { post } = paths[path ?? '']
    t.strictSame(post.security, [{ service: [] }, { client: [scope] }])
    t.strictSame(Object.keys(post.requestBody.content), ['application/x-www-form-urlencoded'])
  }
  t.strictSame(paths['/revocations'].get.security, [{ service: [] }, { client: ['latchkey:feed'] }])
  t.match(components.securitySchemes.service, { type: 'http', scheme: 'basic' })
})
