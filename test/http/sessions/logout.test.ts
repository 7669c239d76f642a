import t from 'tap'
import { age, openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { anotherDevice, copyOf, newPerson, refreshCookie } from '../../support/http/people.js'
import { shiftableClock } from '../../support/http/shiftable-clock.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)

const isGone = async (sid: string) =>
  (await sql(database, 'SELECT 1 FROM session WHERE id = $1::uuid', sid)).length === 0

t.test('logout by the refresh cookie answers 204, deletes the row and refuses the access token', async (t) => {
  const person = await newPerson(app)
  const other = await anotherDevice(app, person)
  const { client } = person
  const response = await client.send('POST', '/logout', { bearer: false })
  t.equal(response.statusCode, 204)
  t.equal(response.body, '')
  t.ok(await isGone(client.sessionId))
  t.equal(client.cookies.size, 0)
  expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  t.equal((await other.client.send('GET', '/me')).statusCode, 200, 'no other session ends')
})

t.test('logout by the refresh token in the body works with every generation', async (t) => {
  const { client } = await newPerson(app, 'body')
  const payload = { refresh_token: client.refreshToken }
  await client.send('POST', '/refresh', { payload })
  await age(database, client.sessionId, 7200)
  t.equal((await client.send('POST', '/logout', { bearer: false, payload })).statusCode, 204)
  t.ok(await isGone(client.sessionId))
})

t.test('logout by the access token ends the session', async (t) => {
  const { client } = await newPerson(app, 'access')
  t.equal((await client.send('POST', '/logout')).statusCode, 204)
  t.ok(await isGone(client.sessionId))
  expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
})

t.test('logout by the session cookie ends the session', async (t) => {
  const { client } = await newPerson(app, 'session')
  const kept = copyOf(client)
  t.equal((await client.send('POST', '/logout')).statusCode, 204)
  t.ok(await isGone(client.sessionId))
  expectProblem(t, await kept.send('GET', '/me'), 'session_revoked')
})

t.test('a repeated logout answers 204, and the first reason stays', async (t) => {
  const { client } = await newPerson(app)
  const kept = copyOf(client)
  for (let time = 0; time < 3; time += 1) {
    t.equal((await copyOf(kept).send('POST', '/logout')).statusCode, 204)
  }
  const reason = 'logged_out'
  expectProblem(t, await kept.send('POST', '/refresh'), 'session_ended', { reason }, [refreshCookie])
})

t.test('logout without a credential, or with an invalid token, answers 204', async (t) => {
  t.equal((await app.inject({ method: 'POST', url: '/logout' })).statusCode, 204)
  for (const cookie of [`${refreshCookie}=damaged`, '__Host-session=damaged']) {
    t.equal((await app.inject({ method: 'POST', url: '/logout', headers: { cookie } })).statusCode, 204)
  }
  const payload = { refresh_token: 'damaged' }
  t.equal((await app.inject({ method: 'POST', url: '/logout', payload })).statusCode, 204)
})

t.test('logout ends the session of every credential in the request', async (t) => {
  const { client } = await newPerson(app)
  const other = await newPerson(app, 'body')
  client.accessToken = other.client.accessToken
  t.equal((await client.send('POST', '/logout')).statusCode, 204)
  t.ok(await isGone(client.sessionId))
  t.ok(await isGone(other.client.sessionId))
})

t.test('logout by cookie works even with an expired access token beside it', async (t) => {
  const clock = shiftableClock()
  const { client } = await newPerson(await openService(t, database, {}, clock))
  clock.shiftSeconds = 601
  t.equal((await client.send('POST', '/logout')).statusCode, 204)
  t.ok(await isGone(client.sessionId))
  t.equal(client.cookies.size, 0)
})

t.test('logout by an unusable access token alone is refused, because nothing has ended', async (t) => {
  const clock = shiftableClock()
  const { client } = await newPerson(await openService(t, database, {}, clock), 'access')
  clock.shiftSeconds = 601
  expectProblem(t, await client.send('POST', '/logout'), 'token_expired')
  client.accessToken = 'damaged'
  expectProblem(t, await client.send('POST', '/logout'), 'invalid_token')
})

t.test('tokens in both the cookie and the body are ambiguous, and nothing ends', async (t) => {
  const { client } = await newPerson(app)
  const payload = { refresh_token: (await newPerson(app, 'body')).client.refreshToken }
  expectProblem(t, await client.send('POST', '/logout', { payload }), 'ambiguous_credentials')
  t.notOk(await isGone(client.sessionId))
})

t.test('logout is in the event log with its actor', async (t) => {
  const { client } = await newPerson(app)
  await client.send('POST', '/logout', { headers: { 'user-agent': 'a browser' } })
  const events = await sql(
    database,
    'SELECT type, reason, user_agent, ip FROM event WHERE session_id = $1::uuid ORDER BY id DESC LIMIT 1',
    client.sessionId
  )
  t.strictSame(events, [{ type: 'session_ended', reason: 'logged_out', user_agent: 'a browser', ip: '127.0.0.1' }])
})
