import t from 'tap'
import { age, openTestDatabase } from '../../support/database.js'
import { openAdminService, signInAdmin, userIdOf } from '../../support/http/admin.js'
import { anotherDevice, copyOf, type Device, newPerson } from '../../support/http/people.js'
import { goodPassword } from '../../support/service.js'

/** "Why was I signed out?": an admin sees the whole timeline of a session, however it ended. */
const database = await openTestDatabase(t, { kind: 'embedded', embedded: { waitSeconds: 20 } })
const { app, admin } = await openAdminService(t, database)

const twoBehind = async ({ client }: Device) => {
  const stolen = copyOf(client)
  for (let rotation = 0; rotation < 2; rotation += 1) {
    await client.send('POST', '/refresh')
    await age(database, client.sessionId, 20)
  }
  return stolen.send('POST', '/refresh')
}

const endings: readonly (readonly [reason: string, end: (device: Device) => Promise<unknown>])[] = [
  ['logged_out', ({ client }) => copyOf(client).send('POST', '/logout')],
  ['revoked_by_user', ({ client }) => client.send('DELETE', '/sessions?all=true')],
  ['revoked_by_admin', ({ client }) => admin.send('DELETE', `/admin/sessions/${client.sessionId}`)],
  ['reuse_detected', twoBehind],
  [
    'password_changed',
    async (device) =>
      (await anotherDevice(app, device)).client.send('POST', '/password', {
        payload: { current_password: goodPassword, new_password: 'another good password' }
      })
  ],
  [
    'user_disabled',
    async ({ client }) => admin.send('PATCH', `/admin/users/${await userIdOf(client)}`, { payload: { disabled: true } })
  ],
  [
    'idle_timeout',
    async ({ client }) => {
      await age(database, client.sessionId, 1_209_600)
      await copyOf(client).send('POST', '/refresh')
    }
  ],
  [
    'absolute_timeout',
    async ({ client }) => {
      await age(database, client.sessionId, 7_776_000)
      await copyOf(client).send('POST', '/refresh')
    }
  ]
]

for (const [reason, end] of endings) {
  t.test(`${reason}: the timeline goes from the login to the end`, async (t) => {
    const device = await newPerson(app)
    await end(device)
    const { events } = (await admin.send('GET', `/admin/events?session_id=${device.client.sessionId}`)).json()
    t.match(events, [
      { type: 'session_ended', reason },
      { type: 'login_succeeded', reason: null }
    ])
    t.equal(events.length, 2)
  })
}

t.test('the timeline shows recovered refreshes', async (t) => {
  const { client } = await newPerson(app)
  const before = copyOf(client)
  await client.send('POST', '/refresh')
  await age(database, client.sessionId, 20)
  await before.send('POST', '/refresh')
  await before.send('POST', '/logout')
  const { events } = (await admin.send('GET', `/admin/events?session_id=${client.sessionId}`)).json()
  t.strictSame(
    events.map(({ type }: { readonly type: string }) => type),
    ['session_ended', 'refresh_recovered', 'login_succeeded']
  )
})

t.test("ending everybody's sessions is in the timeline of each session that it ended, and of no other", async (t) => {
  const [ended, loggedOut] = [await newPerson(app), await newPerson(app)]
  await copyOf(loggedOut.client).send('POST', '/logout')
  await admin.send('POST', '/admin/sessions/revoke-all', { payload: { confirm: 'revoke-all' } })
  const again = await signInAdmin(app)
  const later = await newPerson(app)
  const timeline = async ({ client }: Device) => {
    const { events } = (await again.send('GET', `/admin/events?session_id=${client.sessionId}`)).json()
    return events.map(({ type, reason }: { readonly type: string; readonly reason: string | null }) => [type, reason])
  }
  const login = ['login_succeeded', null]
  t.strictSame(await timeline(ended), [['everybody_revoked', 'revoked_by_admin'], login])
  t.strictSame(await timeline(loggedOut), [['session_ended', 'logged_out'], login])
  t.strictSame(await timeline(later), [login])
})
