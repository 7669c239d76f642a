// Imports every export of the package, and runs the plugin: people sign in, and a guarded route knows them.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import latchkey from 'latchkey'
import { signedInAs, testIssuer } from 'latchkey/testing'
import verifier from 'latchkey/verifier'

const { exports } = JSON.parse(readFileSync('node_modules/latchkey/package.json', 'utf8'))
for (const path of Object.keys(exports)) {
  const options = path.endsWith('.json') ? { with: { type: 'json' } } : {}
  const members = Object.keys(await import(`latchkey${path.slice(1)}`, options))
  assert.notEqual(members.length, 0, `${path} exports nothing`)
}

const app = Fastify()
const issuer = 'http://localhost:8080/auth'
await app.register(latchkey, { prefix: '/auth', issuer, cookieSecure: false, metricsPort: 0, logLevel: undefined })
app.get('/mine', { preHandler: app.latchkey.authenticate }, async (request) => request.auth.userId)
await app.ready()

const payload = { email: `${app.version}@example.com`, password: 'correct horse battery staple' }
const registered = await app.inject({ method: 'POST', url: '/auth/register', payload })
assert.equal(registered.statusCode, 201, registered.body)
const { access_token: token } = registered.json()
const [cookie] = [registered.headers['set-cookie']].flat()
const refreshed = await app.inject({ method: 'POST', url: '/auth/refresh', headers: { cookie: cookie.split(';')[0] } })
assert.equal(refreshed.statusCode, 200, refreshed.body)
assert.equal((await app.inject('/mine')).statusCode, 401)
const mine = await app.inject({ url: '/mine', headers: { authorization: `Bearer ${token}` } })
assert.equal(mine.statusCode, 200, mine.body)
for (const path of ['account', 'console', 'docs/', 'docs/errors.md', 'openapi.json', '.well-known/jwks.json']) {
  assert.equal((await app.inject(`/auth/${path}`)).statusCode, 200, path)
}
const { headers, userId } = await signedInAs(app, { roles: ['editor'] })
assert.equal((await app.inject({ url: '/mine', headers })).body, userId)
await app.close()

const tokens = await testIssuer()
const service = Fastify()
await service.register(verifier, tokens.verifierOptions)
service.get('/mine', { preHandler: service.latchkey.authenticate }, async (request) => request.auth.userId)
const mineThere = { url: '/mine', headers: { authorization: `Bearer ${tokens.token({ sub: 'ada' })}` } }
assert.equal((await service.inject(mineThere)).body, 'ada')
await service.close()
await tokens.close()
console.log(`The plugin works on Fastify ${app.version}.`)
