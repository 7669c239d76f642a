import t from 'tap'
import { createVerifier } from '../../../src/verifier/verifier.js'
import { openTestDatabase } from '../../support/database.js'
import { openAdminService } from '../../support/http/admin.js'
import { asMachine, claimsOf, newMachine, tokenOf } from '../../support/http/clients.js'
import { newPerson } from '../../support/http/people.js'
import { addressOf, asGateway, postForm, serviceSettings } from '../../support/http/services.js'
import { shiftableClock } from '../../support/http/shiftable-clock.js'
import { testEnvironment } from '../../support/service.js'
import { verificationCode, waitUntil } from '../../support/verifier/verifiers.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const clock = shiftableClock()
const { app, admin } = await openAdminService(t, database, serviceSettings, clock)
await app.listen({ port: 0, host: '127.0.0.1' })
const url = addressOf(app)
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

for (const [scope, path] of [
  ['latchkey:introspect', '/introspect'],
  ['latchkey:revoke', '/revoke']
] as const) {
  t.test(
    `POST ${path} accepts a client with ${scope}, by its token or by its secret, and no other client`,
    async (t) => {
      const machine = await newMachine(admin, [scope, 'x'])
      const other = await newMachine(admin, ['latchkey:feed'])
      for (const headers of [asMachine(machine), bearer(await tokenOf(app, machine))]) {
        t.equal((await postForm(app, path, { token: 'x' }, headers)).statusCode, 200)
      }
      for (const headers of [
        asMachine(other),
        bearer(await tokenOf(app, other)),
        bearer(await tokenOf(app, machine, 'x'))
      ]) {
        const response = await postForm(app, path, { token: 'x' }, headers)
        t.equal(response.statusCode, 403)
        t.equal(response.headers['www-authenticate'], `Bearer error="insufficient_scope", scope="${scope}"`)
      }
    }
  )
}

t.test("introspection shows a client's token with its scopes and without a user (RFC 7662 §2.2)", async (t) => {
  const token = await tokenOf(app, await newMachine(admin, ['reports:read']))
  const shown = (await postForm(app, '/introspect', { token })).json()
  t.strictSame(shown, { active: true, token_type: 'Bearer', ...claimsOf(token) })
})

t.test("a client's token cannot be revoked alone, which is no false success (RFC 7009 §2.2.1)", async (t) => {
  const token = await tokenOf(app, await newMachine(admin, ['reports:read']))
  const response = await postForm(app, '/revoke', { token })
  t.equal(response.statusCode, 400)
  t.equal(response.json().code, 'unsupported_token_type')
  t.equal((await postForm(app, '/introspect', { token })).json().active, true)
})

for (const kind of ['secret', 'token']) {
  t.test(`the feed of a client that reads it by its ${kind} ends when the client is deleted`, async (t) => {
    const machine = await newMachine(admin, ['latchkey:feed'])
    const headers = kind === 'secret' ? asMachine(machine) : bearer(await tokenOf(app, machine))
    const response = await fetch(`${url}/revocations`, { headers })
    t.equal(response.status, 200)
    await admin.send('DELETE', `/admin/clients/${machine.id}`)
    t.match(await response.text(), 'event: ready')
    t.equal((await fetch(`${url}/revocations`, { headers })).status, 401)
  })
}

t.test('the feed ends with the token of its reader', async (t) => {
  const machine = await newMachine(admin, ['latchkey:feed'])
  const response = await fetch(`${url}/revocations`, { headers: bearer(await tokenOf(app, machine)) })
  t.equal(response.status, 200)
  clock.shiftSeconds += 601
  t.match(await response.text(), 'event: ready')
  clock.shiftSeconds = 0
})

t.test('a verifier follows the feed with the id and secret of a client', async (t) => {
  const machine = await newMachine(admin, ['latchkey:feed'])
  const issuer = testEnvironment.ISSUER ?? ''
  const verifier = createVerifier({
    issuer,
    audience: issuer,
    jwksUrl: `${url}/.well-known/jwks.json`,
    feed: { url: `${url}/revocations`, credential: machine },
    warn: (message) => t.comment(message)
  })
  t.teardown(() => verifier.close())
  await verifier.ready()
  const { client } = await newPerson(app)
  const reader = await newMachine(admin, ['reports:read'])
  const token = await tokenOf(app, reader)
  const asClient = async () => {
    const result = await verifier.authenticateClient(bearer(token), 'reports:read')
    return result.ok ? result.client.clientId : result.code
  }
  t.equal(await verificationCode(verifier, client.accessToken), 'accepted')
  t.equal(await asClient(), reader.id)
  t.equal(await verificationCode(verifier, token), 'insufficient_scope')
  await admin.send('DELETE', `/admin/clients/${reader.id}`)
  await waitUntil(async () => (await asClient()) === 'session_revoked')
  t.equal(await verificationCode(verifier, client.accessToken), 'accepted')

  const refused = createVerifier({
    issuer,
    audience: issuer,
    jwksUrl: `${url}/.well-known/jwks.json`,
    feed: { url: `${url}/revocations`, credential: await newMachine(admin, ['x']) },
    warn: (message) => t.match(message, 'latchkey:feed')
  })
  t.teardown(() => refused.close())
  await t.rejects(refused.ready(), /latchkey:feed/)
})

t.test('SERVICE_CREDENTIALS are still accepted', async (t) => {
  t.equal((await postForm(app, '/introspect', { token: 'x' }, asGateway)).statusCode, 200)
})
