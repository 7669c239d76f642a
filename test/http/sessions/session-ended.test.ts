import t from 'tap'
import type { EndedReason } from '../../../src/core/vocabulary.js'
import { age, openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { anotherDevice, copyOf, type Device, newPerson, refreshCookie } from '../../support/http/people.js'
import { Client, goodPassword, openService } from '../../support/service.js'

/**
 * `session_ended` tells the reason to the holder of a genuine refresh token. For `reuse_detected` see refresh-rotation.
 */
const database = await openTestDatabase(t, { kind: 'embedded' })
const admin = { ADMIN_EMAIL: 'ops@example.org', ADMIN_PASSWORD: goodPassword }
const app = await openService(t, database, { ...admin, MAX_SESSIONS_PER_USER: '2' })

const ops = new Client(app)
await ops.signIn(admin.ADMIN_EMAIL, { path: '/login', mode: 'access' })

async function userIdOf({ client }: Device): Promise<string> {
  return (await client.send('GET', '/me')).json().id
}

const endings: readonly (readonly [name: string, reason: EndedReason, end: (device: Device) => Promise<unknown>])[] = [
  ['a logout', 'logged_out', async ({ client }) => copyOf(client).send('POST', '/logout')],
  [
    'a login by the same client',
    'replaced',
    async (device) => copyOf(device.client).signIn(device.email, { path: '/login' })
  ],
  [
    'DELETE /sessions/:id of its own',
    'logged_out',
    async ({ client }) => client.send('DELETE', `/sessions/${client.sessionId}`)
  ],
  ['DELETE /sessions?all=true', 'revoked_by_user', async ({ client }) => client.send('DELETE', '/sessions?all=true')],
  [
    'DELETE /sessions/:id by another device',
    'revoked_by_user',
    async (device) => (await anotherDevice(app, device)).client.send('DELETE', `/sessions/${device.client.sessionId}`)
  ],
  [
    'DELETE /sessions by another device',
    'revoked_by_user',
    async (device) => (await anotherDevice(app, device)).client.send('DELETE', '/sessions')
  ],
  [
    'a password change on another device',
    'password_changed',
    async (device) =>
      (await anotherDevice(app, device)).client.send('POST', '/password', {
        payload: { current_password: goodPassword, new_password: 'another good password' }
      })
  ],
  [
    'DELETE /me',
    'revoked_by_user',
    async (device) =>
      (await anotherDevice(app, device)).client.send('DELETE', '/me', { payload: { password: goodPassword } })
  ],
  [
    'a login on too many devices',
    'session_limit',
    async (device) => [await anotherDevice(app, device), await anotherDevice(app, device)]
  ],
  [
    'an admin ends the session',
    'revoked_by_admin',
    async ({ client }) => ops.send('DELETE', `/admin/sessions/${client.sessionId}`)
  ],
  [
    "an admin ends the user's sessions",
    'revoked_by_admin',
    async (device) => ops.send('DELETE', `/admin/users/${await userIdOf(device)}/sessions`)
  ],
  [
    'an admin deletes the user',
    'revoked_by_admin',
    async (device) => ops.send('DELETE', `/admin/users/${await userIdOf(device)}`)
  ],
  [
    'an admin disables the user',
    'user_disabled',
    async (device) => ops.send('PATCH', `/admin/users/${await userIdOf(device)}`, { payload: { disabled: true } })
  ]
]

for (const [name, reason, end] of endings) {
  t.test(`${name}: ${reason}, and the access token is refused at once`, async (t) => {
    const device = await newPerson(app)
    const kept = copyOf(device.client)
    await end(device)
    expectProblem(t, await kept.send('GET', '/me'), 'session_revoked')
    for (let again = 0; again < 2; again += 1) {
      const response = await copyOf(kept).send('POST', '/refresh')
      // The browser holds the newer session's cookie by then, which a late response must not delete.
      const cleared = reason === 'replaced' ? [] : [refreshCookie]
      expectProblem(t, response, 'session_ended', { reason }, cleared)
    }
  })
}

t.test('a session unused for too long ends with idle_timeout', async (t) => {
  const { client } = await newPerson(app)
  await age(database, client.sessionId, 1_209_600)
  expectProblem(t, await copyOf(client).send('POST', '/refresh'), 'session_ended', { reason: 'idle_timeout' }, [
    refreshCookie
  ])
  expectProblem(t, await client.send('POST', '/refresh'), 'session_ended', { reason: 'idle_timeout' }, [refreshCookie])
  t.strictSame(
    await sql(database, 'SELECT 1 FROM session WHERE id = $1::uuid', client.sessionId),
    [],
    'the row is gone'
  )
})

t.test('a session used until its absolute end ends with absolute_timeout', async (t) => {
  const { client } = await newPerson(app)
  for (let week = 0; week < 12; week += 1) {
    await age(database, client.sessionId, 604_800)
    t.equal((await client.send('POST', '/refresh')).statusCode, 200)
  }
  await age(database, client.sessionId, 7_776_000 - 12 * 604_800)
  const response = await client.send('POST', '/refresh')
  expectProblem(t, response, 'session_ended', { reason: 'absolute_timeout' }, [refreshCookie])
})

t.test("ending everybody's sessions gives the reason revoked_by_admin", async (t) => {
  const { client } = await newPerson(app)
  await ops.send('POST', '/admin/sessions/revoke-all', { payload: { confirm: 'revoke-all' } })
  expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  const response = await client.send('POST', '/refresh')
  expectProblem(t, response, 'session_ended', { reason: 'revoked_by_admin' }, [refreshCookie])
})
