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

t.test('by the refresh cookie: 204, the row is gone, the access token is refused', async (t) => {
  const person = await newPerson(app)
  const other = await anotherDevice(app, person)
  const { client } = person
  const response = await client.send('POST', '/logout', { bearer: false })
  t.equal(response.statusCode, 204)
  t.equal(response.body, '')
  t.ok(await isGone(client.sessionId))
  t.equal(client.cookies.size, 0)
  expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  t.equal((await other.client.send('GET', '/me')).statusCode, 200, 'and no other session ends')
})

t.test('by the refresh token in the body, of any generation', async (t) => {
  const { client } = await newPerson(app, 'body')
  const payload = { refresh_token: client.refreshToken }
  await client.send('POST', '/refresh', { payload })
  await age(database, client.sessionId, 7200)
  t.equal((await client.send('POST', '/logout', { bearer: false, payload })).statusCode, 204)
  t.ok(await isGone(client.sessionId))
})

t.test('by the access token', async (t) => {
  const { client } = await newPerson(app, 'access')
  t.equal((await client.send('POST', '/logout')).statusCode, 204)
  t.ok(await isGone(client.sessionId))
  expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
})

t.test('by the session cookie', async (t) => {
  const { client } = await newPerson(app, 'session')
  const kept = copyOf(client)
  t.equal((await client.send('POST', '/logout')).statusCode, 204)
  t.ok(await isGone(client.sessionId))
  expectProblem(t, await kept.send('GET', '/me'), 'session_revoked')
})

t.test('again when already done: 204, and the reason stays the first one', async (t) => {
  const { client } = await newPerson(app)
  const kept = copyOf(client)
  for (let time = 0; time < 3; time += 1) {
    t.equal((await copyOf(kept).send('POST', '/logout')).statusCode, 204)
  }
  const reason = 'logged_out'
  expectProblem(t, await kept.send('POST', '/refresh'), 'session_ended', { reason }, [refreshCookie])
})

t.test('with nothing to log out, or a token that is none: 204', async (t) => {
  t.equal((await app.inject({ method: 'POST', url: '/logout' })).statusCode, 204)
  for (const cookie of [`${refreshCookie}=damaged`, '__Host-session=damaged']) {
    t.equal((await app.inject({ method: 'POST', url: '/logout', headers: { cookie } })).statusCode, 204)
  }
  const payload = { refresh_token: 'damaged' }
  t.equal((await app.inject({ method: 'POST', url: '/logout', payload })).statusCode, 204)
})

t.test('everything that came along is of no use afterwards', async (t) => {
  const { client } = await newPerson(app)
  const other = await newPerson(app, 'body')
  client.accessToken = other.client.accessToken
  t.equal((await client.send('POST', '/logout')).statusCode, 204)
  t.ok(await isGone(client.sessionId))
  t.ok(await isGone(other.client.sessionId))
})

t.test('an access token that has expired beside the cookie does not keep anybody signed in', async (t) => {
  const clock = shiftableClock()
  const { client } = await newPerson(await openService(t, database, {}, clock))
  clock.shiftSeconds = 601
  t.equal((await client.send('POST', '/logout')).statusCode, 204)
  t.ok(await isGone(client.sessionId))
  t.equal(client.cookies.size, 0)
})

t.test('an access token alone that cannot be used is refused: nothing has ended', async (t) => {
  const clock = shiftableClock()
  const { client } = await newPerson(await openService(t, database, {}, clock), 'access')
  clock.shiftSeconds = 601
  expectProblem(t, await client.send('POST', '/logout'), 'token_expired')
  client.accessToken = 'damaged'
  expectProblem(t, await client.send('POST', '/logout'), 'invalid_token')
})

t.test('a token in the cookie and one in the body are ambiguous, and nothing ends', async (t) => {
  const { client } = await newPerson(app)
  const payload = { refresh_token: (await newPerson(app, 'body')).client.refreshToken }
  expectProblem(t, await client.send('POST', '/logout', { payload }), 'ambiguous_credentials')
  t.notOk(await isGone(client.sessionId))
})

t.test('two cookies of one name are ambiguous, and nothing ends', async (t) => {
  const { client } = await newPerson(app)
  const cookie = `${refreshCookie}=${client.cookies.get(refreshCookie)}; ${refreshCookie}=tossed`
  const response = await app.inject({ method: 'POST', url: '/logout', headers: { cookie } })
  expectProblem(t, response, 'ambiguous_credentials', { detail: `Two cookies are named ${refreshCookie}.` })
  t.notOk(await isGone(client.sessionId))
})

t.test('is in the event log, with who did it', async (t) => {
  const { client } = await newPerson(app)
  await client.send('POST', '/logout', { headers: { 'user-agent': 'a browser' } })
  const events = await sql(
    database,
    'SELECT type, reason, user_agent, ip FROM event WHERE session_id = $1::uuid ORDER BY id DESC LIMIT 1',
    client.sessionId
  )
  t.strictSame(events, [{ type: 'session_ended', reason: 'logged_out', user_agent: 'a browser', ip: '127.0.0.1' }])
})
