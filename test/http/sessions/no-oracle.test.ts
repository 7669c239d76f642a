import t from 'tap'
import { age, openTestDatabase, sql } from '../../support/database.js'
import { adminEmail, signInAdmin } from '../../support/http/admin.js'
import { anotherDevice, type Device, newPerson } from '../../support/http/people.js'
import { goodPassword, openService } from '../../support/service.js'

/** A thief of a session must not learn from the service when its client refreshes. */
const database = await openTestDatabase(t, { kind: 'embedded' })
const start = Date.now()
const clock = { time: start, now: () => clock.time, sleep: async () => {} }
const environment = { ACCESS_TOKEN_TTL_SECONDS: '3600', ADMIN_EMAIL: adminEmail, ADMIN_PASSWORD: goodPassword }
const app = await openService(t, database, environment, clock)
const admin = await signInAdmin(app)
t.afterEach(() => {
  clock.time = start
})

const fiveMinutes = 300_000
const refresh = ({ client }: Device) =>
  client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })
const list = async ({ client }: Device) => (await client.send('GET', '/sessions')).body
const endGrace = ({ client }: Device) =>
  sql(database, `UPDATE session SET rotated_at = rotated_at - interval '20 s' WHERE id = $1::uuid`, client.sessionId)
const firstOf = (body: string) => JSON.parse(body).sessions[0]

t.test('a user sees the times of sessions in whole five minutes, and an admin sees them exactly', async (t) => {
  const person = await newPerson(app, 'body')
  // Of two moments that are 1.5 s apart, at most one is a whole second.
  for (const seconds of [3600, 1.5]) {
    await age(database, person.client.sessionId, seconds)
    const url = `/sessions/${person.client.sessionId}`
    const renamed = (await person.client.send('PATCH', url, { payload: { device: 'phone' } })).json()
    for (const session of [firstOf(await list(person)), renamed]) {
      t.equal(Date.parse(session.last_used_at) % fiveMinutes, 0)
      t.equal(Date.parse(session.expires_at) % fiveMinutes, 0)
      t.ok(start - Date.parse(session.last_used_at) < 3_602_000 + fiveMinutes)
    }
  }
  const userId = (await person.client.send('GET', '/me')).json().id
  const exact = firstOf((await admin.send('GET', `/admin/users/${userId}/sessions`)).body)
  t.ok(Math.abs(Date.parse(exact.last_used_at) - (start - 3_601_500)) < 60_000)
  t.not(Date.parse(exact.last_used_at) % fiveMinutes, 0)
  t.equal(Date.parse(exact.expires_at) - Date.parse(exact.last_used_at), 1_209_600_000)
  t.match(await app.latchkey.sessions.sessionsOfUser(userId), [
    { lastUsedAt: Date.parse(firstOf(await list(person)).last_used_at) }
  ])
})

t.test('the list of sessions does not change when the client refreshes, until the five minutes are over', async (t) => {
  const person = await newPerson(app, 'body')
  await age(database, person.client.sessionId, 3600)
  for (let round = 0; round < 2; round += 1) {
    const before = await list(person)
    t.equal((await refresh(person)).statusCode, 200)
    await endGrace(person)
    t.equal(await list(person), before)
  }
  const before = firstOf(await list(person))
  clock.time += 2 * fiveMinutes
  const after = firstOf(await list(person))
  t.ok(Date.parse(after.last_used_at) - Date.parse(before.last_used_at) > 3_000_000)
  t.ok(Date.parse(after.expires_at) - Date.parse(before.expires_at) > 3_000_000)
})

t.test('near the absolute end too, the list of sessions does not show a refresh', async (t) => {
  const person = await newPerson(app, 'body')
  await age(database, person.client.sessionId, 1_209_000)
  t.equal((await refresh(person)).statusCode, 200)
  for (let round = 0; round < 5; round += 1) {
    await age(database, person.client.sessionId, 13 * 86_400)
    const before = await list(person)
    t.equal((await refresh(person)).statusCode, 200)
    t.equal(await list(person), before)
  }
})

t.test('the list of sessions does not show a request in session mode', async (t) => {
  const person = await newPerson(app, 'session')
  await age(database, person.client.sessionId, 3600)
  const before = firstOf(await list(person))
  t.strictSame(firstOf(await list(person)), before)
  t.ok(start - Date.parse(before.last_used_at) > 3_000_000)
})

t.test("one's own events show a late refresh in whole five minutes, and only when these are over", async (t) => {
  const person = await newPerson(app, 'body')
  const { client } = person
  const late = async () => {
    const { events } = (await client.send('GET', '/me/events')).json()
    return events.filter(({ type }: { type: string }) => type.startsWith('refresh_'))
  }
  const stale = client.refreshToken
  t.equal((await refresh(person)).statusCode, 200)
  await age(database, client.sessionId, 3600)
  const payload = { refresh_token: stale }
  t.equal((await client.send('POST', '/refresh', { payload })).statusCode, 200)
  await sql(
    database,
    `UPDATE session SET generation = generation - 1, rotated_at = NULL WHERE id = $1::uuid`,
    client.sessionId
  )
  t.equal((await refresh(person)).statusCode, 200)

  t.strictSame(await late(), [])
  const pages = (await client.send('GET', '/me/events?limit=1')).json()
  t.match(pages, { events: [{ type: 'login_succeeded' }], next_cursor: String })
  const { events: exact } = (await admin.send('GET', `/admin/events?session_id=${client.sessionId}`)).json()
  t.match(exact, [{ type: 'refresh_restored' }, { type: 'refresh_recovered' }, {}])

  clock.time += 2 * fiveMinutes
  t.match(await late(), [{ type: 'refresh_restored' }, { type: 'refresh_recovered', reason: 'recovery' }])
  for (const { at } of await late()) t.equal(Date.parse(at) % fiveMinutes, 0)
})

t.test('when a session has ended, its events show at once that it was refreshed late', async (t) => {
  const owner = await newPerson(app, 'body')
  const phone = await anotherDevice(app, owner, 'body')
  const stale = phone.client.refreshToken
  await refresh(phone)
  await age(database, phone.client.sessionId, 3600)
  await phone.client.send('POST', '/refresh', { payload: { refresh_token: stale } })
  const types = async () =>
    (await owner.client.send('GET', '/me/events')).json().events.map(({ type }: { type: string }) => type)
  t.notOk((await types()).includes('refresh_recovered'))
  await owner.client.send('DELETE', `/sessions/${phone.client.sessionId}`)
  t.ok((await types()).includes('refresh_recovered'))
})
