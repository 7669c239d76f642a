import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { openAdminService, userIdOf } from '../../support/http/admin.js'
import { askForToken, asMachine, claimsOf, newMachine, tokenOf } from '../../support/http/clients.js'
import { newPerson } from '../../support/http/people.js'
import { basic } from '../../support/http/services.js'
import { shiftableClock } from '../../support/http/shiftable-clock.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const { app, admin } = await openAdminService(t, database, { AUDIENCE: 'https://api.test' })
const machine = await newMachine(admin, ['reports:read', 'reports:write'])

function expectError(t: Test, response: LightMyRequestResponse, status: number, error: string) {
  t.equal(response.statusCode, status, error)
  t.match(response.headers['content-type'], /^application\/json/)
  t.equal(response.headers['cache-control'], 'no-store')
  t.equal(response.headers['www-authenticate'], status === 401 ? 'Basic realm="latchkey"' : undefined)
  const body = response.json()
  t.equal(body.error, error)
  t.match(body.error_description, /^[ !#-[\]-~]+$/, 'only the characters of RFC 6749 §5.2')
  t.equal(body.error_uri, `/docs/errors.md#${error}`)
}

t.test('a client gets a token with all its scopes, and its claims name the client and the secret', async (t) => {
  const response = await askForToken(app, machine)
  t.equal(response.statusCode, 200)
  t.equal(response.headers['cache-control'], 'no-store')
  const { access_token: token, ...rest } = response.json()
  t.strictSame(rest, { token_type: 'Bearer', expires_in: 600, scope: 'reports:read reports:write' })
  const { iat, exp, jti, ...claims } = claimsOf(token)
  t.equal(exp - iat, 600)
  t.ok(jti)
  t.strictSame(claims, {
    iss: 'https://auth.test',
    aud: 'https://api.test',
    sub: machine.id,
    client_id: machine.id,
    sid: machine.secretId,
    scope: 'reports:read reports:write'
  })
})

t.test('the credential can come in the form, and the form can repeat the id of the header', async (t) => {
  const inForm = { client_id: machine.id, client_secret: machine.secret }
  t.equal((await askForToken(app, machine, inForm, {})).statusCode, 200)
  t.equal((await askForToken(app, machine, { client_id: machine.id })).statusCode, 200)
})

t.test('an id and a secret that are form-encoded in the header are accepted (RFC 6749 §2.3.1)', async (t) => {
  const encoded = (text: string) => [...text].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('')
  const authorization = basic(`${encoded(machine.id)}:${encoded(machine.secret)}`)
  t.equal((await askForToken(app, machine, {}, { authorization })).statusCode, 200)
})

t.test('a token has only the requested scopes, and a scope that the client lacks is refused', async (t) => {
  const { scope, access_token: token } = (await askForToken(app, machine, { scope: 'reports:read' })).json()
  t.equal(scope, 'reports:read')
  t.equal(claimsOf(token).scope, 'reports:read')
  for (const wanted of [
    'reports:delete',
    'reports:read reports:delete',
    'latchkey:feed',
    'reports:read  reports:write',
    ' '
  ]) {
    expectError(t, await askForToken(app, machine, { scope: wanted }), 400, 'invalid_scope')
  }
})

t.test('a parameter without a value counts as left out, and unknown parameters are ignored', async (t) => {
  const form = { scope: '', client_secret: '', resource: 'x' }
  t.equal((await askForToken(app, machine, form)).json().scope, 'reports:read reports:write')
})

t.test('another grant type, and none, are refused', async (t) => {
  expectError(t, await askForToken(app, machine, 'grant_type=password'), 400, 'unsupported_grant_type')
  expectError(t, await askForToken(app, machine, 'grant_type='), 400, 'invalid_request')
  expectError(t, await askForToken(app, machine, ''), 400, 'invalid_request')
})

t.test('two credentials at once, and a repeated parameter, are refused', async (t) => {
  const { id, secret } = machine
  expectError(t, await askForToken(app, machine, { client_secret: secret }), 400, 'invalid_request')
  expectError(t, await askForToken(app, machine, { client_id: `${id}x` }), 400, 'invalid_request')
  const twice = 'grant_type=client_credentials&scope=a&scope=b'
  expectError(t, await askForToken(app, machine, twice), 400, 'invalid_request')
  const strange = 'grant_type=client_credentials&"ä=1&"ä=2'
  expectError(t, await askForToken(app, machine, strange), 400, 'invalid_request')
})

t.test('a wrong credential is refused as invalid_client, whatever is wrong with it', async (t) => {
  const { id, secret } = machine
  const other = await newMachine(admin, ['reports:read'])
  const wrong = [
    {},
    asMachine({ id, secret: other.secret }),
    asMachine({ id: other.id, secret }),
    asMachine({ id, secret: '' }),
    asMachine({ id, secret: `${secret}x` }),
    asMachine({ id, secret: secret.toUpperCase() }),
    asMachine({ id: id.replace('client_', ''), secret }),
    asMachine({ id: 'client_', secret }),
    { authorization: 'Basic %%%' },
    { authorization: `Bearer ${secret}` }
  ]
  for (const headers of wrong) expectError(t, await askForToken(app, machine, {}, headers), 401, 'invalid_client')
  const inForm = { client_id: id, client_secret: other.secret }
  expectError(t, await askForToken(app, machine, inForm, {}), 401, 'invalid_client')
})

t.test('oversized and foreign bodies are refused without an error of the server', async (t) => {
  const headers = asMachine(machine)
  const send = (type: string, payload: string) =>
    app.inject({ method: 'POST', url: '/token', headers: { ...headers, 'content-type': type }, payload })
  expectError(t, await askForToken(app, machine, { scope: 'x '.repeat(2000) }), 400, 'invalid_request')
  t.equal((await send('application/json', '{"grant_type":"client_credentials"}')).statusCode, 415)
  t.equal((await send('application/x-www-form-urlencoded', `scope=${'x'.repeat(20_000)}`)).statusCode, 413)
})

t.test('the id of a client is never the id of a user', async (t) => {
  const { client } = await newPerson(app)
  t.match(machine.id, /^client_/)
  t.notMatch(await userIdOf(client), /^client_/)
})

t.test('a client token expires as a user token does', async (t) => {
  const clock = shiftableClock()
  const { app: later, admin } = await openAdminService(t, database, {}, clock)
  const reader = await newMachine(admin, ['latchkey:introspect'])
  const authorization = `Bearer ${await tokenOf(later, reader)}`
  const introspect = () => later.inject({ method: 'POST', url: '/introspect', headers: { authorization } })
  t.equal((await introspect()).json().code, 'invalid_request', 'accepted: only the form is missing')
  clock.shiftSeconds = 602
  t.equal((await introspect()).json().code, 'token_expired')
})

t.test('the end of everybody ends the tokens of clients, and the next token is good', async (t) => {
  const reader = await newMachine(admin, ['latchkey:introspect'])
  const before = await tokenOf(app, reader)
  await app.latchkey.sessions.endEverybodysSessions()
  const after = await tokenOf(app, reader)
  const codeOf = async (token: string) =>
    (await app.inject({ method: 'POST', url: '/introspect', headers: { authorization: `Bearer ${token}` } })).json()
      .code
  t.equal(await codeOf(before), 'session_revoked')
  t.equal(await codeOf(after), 'invalid_request', 'accepted: only the form is missing')
})
