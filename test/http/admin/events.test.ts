import t from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { allPages, openAdminService, userIdOf } from '../../support/http/admin.js'
import { expectFieldErrors } from '../../support/http/contract-errors.js'
import { newPerson } from '../../support/http/people.js'
import { Client, goodPassword } from '../../support/service.js'

const nobody = '00000000-0000-4000-8000-000000000000'
const database = await openTestDatabase(t, { kind: 'embedded' })
const { app, admin } = await openAdminService(t, database)

interface EventView {
  readonly id: string
  readonly type: string
  readonly user_id: string | null
  readonly session_id: string | null
  readonly actor_id: string | null
}

const typesOf = (events: readonly EventView[]) => events.map(({ type }) => type)

t.test('the log has every event of a user, newest first, with all members', async (t) => {
  const { client, email } = await newPerson(app)
  const userId = await userIdOf(client)
  const userAgent = { 'user-agent': 'a browser' }
  const wrong = { payload: { email, password: 'not the password' }, headers: userAgent, bearer: false }
  await client.send('POST', '/login', wrong)
  await client.send('POST', '/password', {
    payload: { current_password: 'wrong', new_password: 'another good password' }
  })
  await client.send('POST', '/password', {
    payload: { current_password: goodPassword, new_password: 'another good password' }
  })
  await client.send('POST', '/logout')
  await admin.send('PATCH', `/admin/users/${userId}`, { payload: { roles: ['reader'] } })
  await admin.send('PATCH', `/admin/users/${userId}`, { payload: { disabled: true } })
  await admin.send('PATCH', `/admin/users/${userId}`, { payload: { disabled: false } })
  await admin.send('DELETE', `/admin/users/${userId}`)

  const response = await admin.send('GET', `/admin/events?user_id=${userId}`)
  t.equal(response.statusCode, 200)
  const { events, next_cursor: nextCursor } = response.json()
  t.equal(nextCursor, null)
  t.strictSame(typesOf(events), [
    'user_deleted',
    'user_enabled',
    'user_disabled',
    'roles_changed',
    'session_ended',
    'session_ended',
    'password_changed',
    'password_refused',
    'login_failed',
    'login_succeeded',
    'user_registered'
  ])
  t.ok(events.every(({ user_id: id }: EventView) => id === userId))
  t.ok(
    events.slice(0, 4).every(({ actor_id: id }: EventView) => id !== userId && id !== null),
    'the admin is the actor of these events'
  )

  const { id, at, ...failed } = events.find(({ type }: EventView) => type === 'login_failed')
  t.match(id, /^\d+$/)
  t.equal(new Date(at).toISOString(), at)
  t.strictSame(failed, {
    type: 'login_failed',
    count: 1,
    user_id: userId,
    session_id: null,
    client_id: null,
    actor_id: null,
    reason: 'wrong_password',
    note: null,
    ip: '127.0.0.1',
    user_agent: 'a browser'
  })
})

t.test('a failed login of an unknown address is logged without the address', async (t) => {
  await new Client(app).signIn('no-such-person@example.org', { path: '/login' })
  const response = await admin.send('GET', '/admin/events?type=login_failed&limit=1')
  t.match(response.json().events, [{ user_id: null, reason: 'unknown_email' }])
  t.notMatch(response.body, 'no-such-person')
})

t.test('filters narrow the log, alone and together, on every page', async (t) => {
  const { client } = await newPerson(app)
  const userId = await userIdOf(client)
  await client.send('POST', '/logout')
  await newPerson(app)

  const pages = await allPages<EventView>(admin, `/admin/events?limit=2&user_id=${userId}`, 'events')
  t.strictSame(pages.map(typesOf), [['session_ended', 'login_succeeded'], ['user_registered']])

  const ofSession = (await admin.send('GET', `/admin/events?session_id=${client.sessionId}`)).json().events
  t.strictSame(typesOf(ofSession), ['session_ended', 'login_succeeded'])

  const both = (await admin.send('GET', `/admin/events?session_id=${client.sessionId}&type=session_ended`)).json()
    .events
  t.match(both, [{ type: 'session_ended', session_id: client.sessionId, reason: 'logged_out' }])
  t.equal(both.length, 1)

  const ofType = await allPages<EventView>(admin, '/admin/events?limit=3&type=user_registered', 'events')
  t.ok(ofType.length > 1)
  t.strictSame([...new Set(ofType.flatMap(typesOf))], ['user_registered'])

  t.strictSame((await admin.send('GET', `/admin/events?user_id=${nobody}`)).json(), { events: [], next_cursor: null })
  t.strictSame((await admin.send('GET', `/admin/events?session_id=${nobody}`)).json().events, [])
})

t.test('paging through the whole log shows every event once', async (t) => {
  const pages = await allPages<EventView>(admin, '/admin/events?limit=5', 'events')
  const ids = pages.flat().map(({ id }) => Number(id))
  t.strictSame(
    ids,
    [...new Set(ids)].sort((a, b) => b - a)
  )
})

for (const [query, field] of [
  ['type=', 'type'],
  ['type=nothing_of_ours', 'type'],
  ['type=session_ended&type=login_failed', 'type'],
  ['user_id=', 'user_id'],
  ['user_id=null', 'user_id'],
  ['session_id=undefined', 'session_id'],
  ['session_id=%00', 'session_id'],
  [`sessionId=${nobody}`, 'sessionId'],
  ['__proto__=x', '__proto__'],
  ['cursor=1', 'cursor'],
  ['limit=', 'limit']
] as const) {
  t.test(`GET /admin/events?${query} is refused and does not return the whole log`, async (t) => {
    expectFieldErrors(t, await admin.send('GET', `/admin/events?${query}`), [field])
  })
}
