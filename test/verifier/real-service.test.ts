import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createVerifier } from '../../src/verifier/verifier.js'
import { openTestDatabase } from '../support/database.js'
import { signInAdmin } from '../support/http/admin.js'
import { newPerson } from '../support/http/people.js'
import { serviceSecret, serviceSettings } from '../support/http/services.js'
import { goodPassword, openService, testEnvironment } from '../support/service.js'
import { verificationCode, waitUntil } from '../support/verifier/verifiers.js'

const issuer = testEnvironment.ISSUER ?? ''
const database = await openTestDatabase(t, { kind: 'embedded' })

t.test("a real service's tokens are accepted, and refused after their session has ended", async (t) => {
  const admins = { ADMIN_EMAIL: 'ops@example.org', ADMIN_PASSWORD: goodPassword }
  const app = await openService(t, database, { ...serviceSettings, ...admins })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const verifier = createVerifier({
    issuer,
    audience: issuer,
    jwksUrl: `${url}/.well-known/jwks.json`,
    feed: { url: `${url}/revocations`, credential: { id: 'gateway', secret: serviceSecret } },
    stale: 'deny',
    warn: (message) => t.comment(message)
  })
  t.teardown(() => verifier.close())

  const [one, other] = [(await newPerson(app)).client, (await newPerson(app)).client]
  t.equal(await verificationCode(verifier, one.accessToken), 'accepted')
  t.equal(await verificationCode(verifier, other.accessToken), 'accepted')
  await one.send('POST', '/logout')
  await waitUntil(async () => (await verificationCode(verifier, one.accessToken)) === 'session_revoked')
  t.equal(await verificationCode(verifier, other.accessToken), 'accepted')
  await app.latchkey.sessions.endEverybodysSessions()
  await waitUntil(async () => (await verificationCode(verifier, other.accessToken)) === 'session_revoked')

  const admin = await signInAdmin(app)
  t.equal(await verificationCode(verifier, admin.accessToken), 'accepted')
  const before = admin.accessToken
  t.equal((await admin.send('POST', '/admin/keys/rotate', { payload: { revoke_old: true } })).statusCode, 200)
  await waitUntil(async () => (await verificationCode(verifier, before)) === 'invalid_token')
  await admin.send('POST', '/refresh', { bearer: false, payload: { refresh_token: admin.refreshToken } })
  t.equal(await verificationCode(verifier, admin.accessToken), 'accepted', 'signed with the new key')
})
