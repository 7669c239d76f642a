import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testIssuer } from 'latchkey/testing'
import { buildReports } from './reports.js'

let issuer
let app

before(async () => {
  issuer = await testIssuer()
  app = await buildReports(issuer.verifierOptions)
})

after(async () => {
  await app.close()
  await issuer.close()
})

const get = (url, token) => app.inject({ url, headers: { authorization: `Bearer ${token}` } })

test('a person reads reports, and the plan of the token decides', async () => {
  const token = issuer.token({ sub: 'ada', claims: { plan: 'pro' } })
  assert.deepEqual((await get('/reports', token)).json(), { for: 'ada', plan: 'pro' })
})

test('only an admin gets in', async () => {
  assert.equal((await get('/ops', issuer.token({ roles: ['admin'] }))).statusCode, 200)
  assert.equal((await get('/ops', issuer.token())).statusCode, 403)
})

test('only a machine with the scope exports', async () => {
  assert.equal((await get('/export', issuer.token({ scope: 'reports:read' }))).statusCode, 200)
  assert.equal((await get('/export', issuer.token({ scope: 'reports:write' }))).statusCode, 403)
  assert.equal((await get('/export', issuer.token({ roles: ['admin'] }))).statusCode, 403)
})

test('expired and foreign tokens are refused', async () => {
  assert.equal((await get('/reports', issuer.token({ expiresInSeconds: -60 }))).json().code, 'token_expired')
  const other = await testIssuer()
  assert.equal((await get('/reports', other.token())).json().code, 'invalid_token')
})

test('a revoked session is refused at once', async () => {
  const token = issuer.token({ sid: 'a-session' })
  assert.equal((await get('/reports', token)).statusCode, 200)
  await issuer.revoke('a-session')
  assert.equal((await get('/reports', token)).json().code, 'session_revoked')
})

test('tokens outlive a rotation of the keys, unless the old key is revoked', async () => {
  const before = issuer.token()
  await issuer.rotateKey()
  for (const token of [before, issuer.token()]) assert.equal((await get('/reports', token)).statusCode, 200)
  await issuer.rotateKey({ revokeOld: true })
  assert.equal((await get('/reports', before)).json().code, 'invalid_token')
  assert.equal((await get('/reports', issuer.token())).statusCode, 200)
})
