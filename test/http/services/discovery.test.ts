import { createPublicKey, verify } from 'node:crypto'
import t from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { newPerson } from '../../support/http/people.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })

t.test('GET /.well-known/jwks.json serves only public keys, cacheable, and they verify our tokens', async (t) => {
  const app = await openService(t, database)
  const response = await app.inject('/.well-known/jwks.json')
  t.equal(response.statusCode, 200)
  t.equal(response.headers['cache-control'], 'public, max-age=300')
  const { keys } = response.json()
  t.equal(keys.length, 1)
  const [key] = keys
  t.strictSame(Object.keys(key).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  t.match(key, { kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })

  const { client } = await newPerson(app, 'body')
  const [header = '', payload = '', signature = ''] = client.accessToken.split('.')
  t.strictSame(JSON.parse(Buffer.from(header, 'base64url').toString()), { alg: 'ES256', typ: 'at+jwt', kid: key.kid })
  const publicKey = createPublicKey({ key, format: 'jwk' })
  const signed = Buffer.from(`${header}.${payload}`)
  const sameKey = { key: publicKey, dsaEncoding: 'ieee-p1363' as const }
  t.ok(verify('sha256', signed, sameKey, Buffer.from(signature, 'base64url')), 'verified with the published keys alone')
})

t.test('a symmetric key is never published', async (t) => {
  const app = await openService(t, await openTestDatabase(t, { kind: 'embedded' }), { JWT_ALG: 'HS256' })
  t.strictSame((await app.inject('/.well-known/jwks.json')).json(), { keys: [] })
  t.equal((await (await newPerson(app)).client.send('GET', '/me')).statusCode, 200)
})

t.test('GET /.well-known/oauth-authorization-server is the metadata of the issuer', async (t) => {
  const app = await openService(t, database)
  const response = await app.inject('/.well-known/oauth-authorization-server')
  t.equal(response.statusCode, 200)
  t.equal(response.headers['cache-control'], 'public, max-age=300')
  t.strictSame(response.json(), {
    issuer: 'https://auth.test',
    jwks_uri: 'https://auth.test/.well-known/jwks.json',
    response_types_supported: [],
    token_endpoint: 'https://auth.test/token',
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    introspection_endpoint: 'https://auth.test/introspect',
    introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'Bearer'],
    revocation_endpoint: 'https://auth.test/revoke',
    revocation_endpoint_auth_methods_supported: ['client_secret_basic'],
    revocation_feed: 'https://auth.test/revocations',
    scopes_supported: ['latchkey:introspect', 'latchkey:revoke', 'latchkey:feed'],
    grant_types_supported: ['client_credentials'],
    service_documentation: 'https://auth.test/docs'
  })
})

t.test('an issuer with a trailing slash stays as it is, and its addresses have no double slash', async (t) => {
  const app = await openService(t, database, { ISSUER: 'https://auth.test/' })
  const metadata = (await app.inject('/.well-known/oauth-authorization-server')).json()
  t.equal(metadata.issuer, 'https://auth.test/')
  t.equal(metadata.jwks_uri, 'https://auth.test/.well-known/jwks.json')
})
