import t from 'tap'
import { age, openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { anotherDevice, newPerson, refreshCookie } from '../../support/http/people.js'
import { openService } from '../../support/service.js'

/** The rows of the rotation table, tested through HTTP. `grace` is 20 s, `recovery` 16 generations. */
const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)

const refresh = (refresh_token: string, headers = {}) =>
  app.inject({ method: 'POST', url: '/refresh', payload: { refresh_token }, headers })

/** Refreshes, and returns the new refresh token. */
async function successorOf(token: string, headers = {}): Promise<string> {
  const response = await refresh(token, headers)
  if (response.statusCode !== 200) throw new Error(`The refresh answered ${response.statusCode}: ${response.body}`)
  return response.json().refresh_token
}

/** A session at generation 1 with its two tokens so far, created with `headers` and `seconds` ago. */
async function rotatedOnce(seconds: number, headers = {}) {
  const { client, email } = await newPerson(app, 'body')
  const first = client.refreshToken
  const second = await successorOf(first, headers)
  await age(database, client.sessionId, seconds)
  return { client, email, first, second }
}

async function rowOf(sid: string) {
  const columns = 'generation::int, recovered_generation::int AS recovered, xmin::text'
  const [row] = await sql<{ generation: number; recovered: number | null; xmin: string }>(
    database,
    `SELECT ${columns} FROM session WHERE id = $1::uuid`,
    sid
  )
  return row
}

/** The events of a session after its login, each with its reason, oldest first. */
async function eventsOf(sid: string): Promise<string[]> {
  const rows = await sql<{ type: string; reason: string | null }>(
    database,
    'SELECT type, reason FROM event WHERE session_id = $1::uuid ORDER BY id OFFSET 1',
    sid
  )
  return rows.map(({ type, reason }) => (reason === null ? type : `${type} ${reason}`))
}

t.test('3: a new session rotates at once, and again after grace', async (t) => {
  const { client } = await newPerson(app, 'body')
  const second = await successorOf(client.refreshToken)
  t.not(second, client.refreshToken)
  await age(database, client.sessionId, 20)
  t.not(await successorOf(second), second)
  t.match(await rowOf(client.sessionId), { generation: 2, recovered: null })
})

t.test('3: a rotation moves the idle end and never the absolute end', async (t) => {
  const { client } = await newPerson(app, 'body')
  const ends = () =>
    sql(database, 'SELECT absolute_expires_at::text FROM session WHERE id = $1::uuid', client.sessionId)
  await age(database, client.sessionId, 86_400)
  const before = await ends()
  const response = await refresh(client.refreshToken)
  t.equal(response.json().refresh_expires_in, 1_209_600)
  t.strictSame(await ends(), before)
})

t.test(
  '4: within grace a refresh returns a new access token and the same refresh token, and writes nothing',
  async (t) => {
    const { client, second } = await rotatedOnce(19)
    const before = await rowOf(client.sessionId)
    const response = await refresh(second)
    t.equal(response.statusCode, 200)
    t.equal(response.json().refresh_token, second)
    t.not(response.json().access_token, client.accessToken)
    t.strictSame(await rowOf(client.sessionId), before)
  }
)

t.test('4: within grace no cookie is set', async (t) => {
  const { client } = await newPerson(app)
  t.ok((await client.send('POST', '/refresh')).headers['set-cookie'])
  const again = await client.send('POST', '/refresh')
  t.equal(again.statusCode, 200)
  t.notOk(again.headers['set-cookie'])
})

t.test('5: within grace the previous token gets the same successor, and nothing is written', async (t) => {
  const { client, first, second } = await rotatedOnce(19)
  const before = await rowOf(client.sessionId)
  t.equal(await successorOf(first), second)
  t.strictSame(await rowOf(client.sessionId), before)
})

t.test('5: within grace the previous cookie is set to the same successor', async (t) => {
  const { client } = await newPerson(app)
  const first = client.cookies.get(refreshCookie) ?? ''
  await client.send('POST', '/refresh')
  const second = client.cookies.get(refreshCookie)
  client.cookies.set(refreshCookie, first)
  await client.send('POST', '/refresh')
  t.equal(client.cookies.get(refreshCookie), second)
})

const key = { 'idempotency-key': 'one key of one browser' }

t.test('key: within grace an older token without the key of the newest one gets an access token only', async (t) => {
  const { client, first, second } = await rotatedOnce(19, key)
  const before = await rowOf(client.sessionId)
  for (const headers of [{}, { 'idempotency-key': 'the key of another one' }]) {
    const response = await refresh(first, headers)
    t.equal(response.statusCode, 200)
    t.equal(response.json().refresh_token, first, 'the presented token')
    t.not(response.json().access_token, client.accessToken)
  }
  t.strictSame(await rowOf(client.sessionId), before, 'nothing is written')
  t.strictSame(await eventsOf(client.sessionId), [])
  t.equal(await successorOf(first, key), second, 'the client is answered as before')
})

t.test('key: within grace an older cookie without the key of the newest one is left as it is', async (t) => {
  const { client } = await newPerson(app)
  const first = client.cookies.get(refreshCookie) ?? ''
  await client.send('POST', '/refresh', { headers: key })
  client.cookies.set(refreshCookie, first)
  const response = await client.send('POST', '/refresh')
  t.equal(response.statusCode, 200)
  t.ok(response.json().access_token)
  t.notOk(response.headers['set-cookie'])
})

t.test('6: later, the key of the lost request gets the same successor, with one event', async (t) => {
  const { client, first, second } = await rotatedOnce(7200, key)
  t.equal(await successorOf(first, key), second)
  t.match(await rowOf(client.sessionId), { generation: 1, recovered: 1 })
  await age(database, client.sessionId, 7200)
  t.equal(await successorOf(first, key), second)
  t.strictSame(await eventsOf(client.sessionId), ['refresh_recovered idempotency_key'], 'repeats are only counted')
})

t.test('6: grace starts again, so other tabs can use either token', async (t) => {
  const { first, second } = await rotatedOnce(7200, key)
  await successorOf(first, key)
  t.equal(await successorOf(second), second)
  t.equal(await successorOf(first, key), second)
})

t.test('6: the window opens once per generation', async (t) => {
  const { client, first, second } = await rotatedOnce(7200, key)
  t.equal(await successorOf(first, key), second)
  t.equal(await successorOf(second, key), second, 'the window is open')
  await age(database, client.sessionId, 7200)
  t.equal(await successorOf(first, key), second)
  t.not(await successorOf(second, key), second, 'the window is closed, and the client continues')
})

t.test('5: two generations behind is accepted within grace with the key of the rotation', async (t) => {
  const { first, second } = await rotatedOnce(7200, key)
  const third = await successorOf(second, key)
  t.equal(await successorOf(first, key), third)
})

t.test('6: works for any number of lost responses', async (t) => {
  const { client, first, second } = await rotatedOnce(7200, key)
  for (let lost = 0; lost < 3; lost += 1) {
    t.equal(await successorOf(first, key), second)
    await age(database, client.sessionId, 7200)
  }
})

t.test('7: later and without a key, one lost response is recovered, with an event', async (t) => {
  const { client, first, second } = await rotatedOnce(7200, key)
  t.equal(await successorOf(first, { 'idempotency-key': 'the key of another one' }), second)
  t.match(await rowOf(client.sessionId), { generation: 1, recovered: 1 })
  t.strictSame(await eventsOf(client.sessionId), ['refresh_recovered recovery'])
})

t.test('7: the next recovery works only after 16 generations', async (t) => {
  for (const [generations, outcome] of [
    [15, 401],
    [16, 200]
  ] as const) {
    const { client, first, second } = await rotatedOnce(7200)
    await successorOf(first)
    let [before, current] = [first, second]
    for (let rotation = 0; rotation < generations; rotation += 1) {
      await age(database, client.sessionId, 20)
      ;[before, current] = [current, await successorOf(current)]
    }
    await age(database, client.sessionId, 7200)
    t.equal((await refresh(before)).statusCode, outcome, `${generations} generations later`)
  }
})

t.test('8: an older token ends this session and its access token at once, and no other session', async (t) => {
  const { client, email, first, second } = await rotatedOnce(20)
  const other = await anotherDevice(app, { email }, 'body')
  const third = await successorOf(second)
  expectProblem(t, await refresh(first), 'session_ended', { reason: 'reuse_detected' })
  for (const token of [first, second, third]) {
    expectProblem(t, await refresh(token), 'session_ended', { reason: 'reuse_detected' })
  }
  expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  t.equal((await other.client.send('GET', '/me')).statusCode, 200)
  t.equal((await refresh(other.client.refreshToken)).statusCode, 200)
  t.strictSame(await eventsOf(client.sessionId), ['session_ended reuse_detected'])
})

t.test('8: the cookie of a session that ended by reuse is cleared', async (t) => {
  const { client } = await newPerson(app)
  const first = client.cookies.get(refreshCookie) ?? ''
  for (let rotation = 0; rotation < 2; rotation += 1) {
    await client.send('POST', '/refresh')
    await age(database, client.sessionId, 20)
  }
  client.cookies.set(refreshCookie, first)
  const response = await client.send('POST', '/refresh')
  expectProblem(t, response, 'session_ended', { reason: 'reuse_detected' }, [refreshCookie])
})

t.test('9: after a restore from backup, a token newer than the row continues, with an event', async (t) => {
  const { client, second } = await rotatedOnce(20)
  const third = await successorOf(second)
  await sql(database, 'UPDATE session SET generation = 0, rotated_at = NULL WHERE id = $1::uuid', client.sessionId)
  const fourth = await successorOf(third)
  t.match(await rowOf(client.sessionId), { generation: 3 })
  t.strictSame(await eventsOf(client.sessionId), ['refresh_restored'])
  t.equal(await successorOf(third), fourth, 'and its response may be lost')
})

t.test("a refresh returns the user's current roles", async (t) => {
  const { client, email } = await newPerson(app, 'body')
  await sql(database, `UPDATE "user" SET roles = '{editor}' WHERE email_key = $1`, email)
  await client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })
  const claims = JSON.parse(Buffer.from(client.accessToken.split('.')[1] ?? '', 'base64url').toString())
  t.strictSame(claims.roles, ['editor'])
})
