import t from 'tap'
import type { AccessClaims } from '../../../src/core/access-claims.js'
import { modes } from '../../../src/core/vocabulary.js'
import { age, openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { anotherDevice, copyOf, newPerson, refreshCookie, sessionCookie } from '../../support/http/people.js'
import { type Client, goodPassword, openService } from '../../support/service.js'

/** POST /password and POST /reauthenticate replace the session of the request. */
const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)

const newPassword = 'another good password'
const replacements = {
  '/password': { current_password: goodPassword, new_password: newPassword },
  '/reauthenticate': { password: goodPassword }
} as const
const urls = Object.keys(replacements) as (keyof typeof replacements)[]
const replace = (client: Client, url: keyof typeof replacements) =>
  client.send('POST', url, { payload: replacements[url] })

const claimsOf = ({ accessToken }: Client): AccessClaims =>
  JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
const sessionsOf = async (client: Client) => (await client.send('GET', '/sessions')).json().sessions

for (const url of urls) {
  for (const mode of modes) {
    t.test(`POST ${url} replaces the session in ${mode} mode`, async (t) => {
      const { client } = await newPerson(app, mode, 'phone')
      await age(database, client.sessionId, 300)
      const [before] = await sessionsOf(client)
      const thief = copyOf(client)
      const response = await replace(client, url)
      t.equal(response.statusCode, 200)
      t.equal(response.headers['cache-control'], 'no-store')

      const cookie = { cookie: refreshCookie, session: sessionCookie, body: undefined, access: undefined }[mode]
      t.strictSame(
        response.cookies.map(({ name }) => name),
        cookie === undefined ? [] : [cookie]
      )
      t.strictSame(
        Object.keys(response.json()).sort(),
        {
          cookie: ['access_token', 'expires_in', 'session_id', 'token_type'],
          body: ['access_token', 'expires_in', 'refresh_expires_in', 'refresh_token', 'session_id', 'token_type'],
          session: ['expires_in', 'session_id'],
          access: ['access_token', 'expires_in', 'session_id', 'token_type']
        }[mode]
      )

      const [after, ...others] = await sessionsOf(client)
      t.strictSame(others, [])
      t.not(after.id, before.id)
      t.match(after, { current: true, id: client.sessionId, mode, device: 'phone', created_at: before.created_at })
      const ends = await sql<{ reason: string }>(
        database,
        "SELECT reason FROM event WHERE session_id = $1::uuid AND type = 'session_ended'",
        before.id
      )
      t.strictSame(ends, [{ reason: 'replaced' }])

      expectProblem(t, await thief.send('GET', '/me'), 'session_revoked')
      if (mode === 'cookie' || mode === 'body') {
        const payload = mode === 'body' ? { refresh_token: thief.refreshToken } : {}
        expectProblem(t, await thief.send('POST', '/refresh', { payload }), 'session_ended', { reason: 'replaced' })
        const own = mode === 'body' ? { refresh_token: client.refreshToken } : {}
        t.equal((await client.send('POST', '/refresh', { payload: own })).statusCode, 200)
      }
      t.equal((await client.send('GET', '/me')).statusCode, 200)
    })
  }

  t.test(`POST ${url} keeps the absolute end, also of the access token in access mode`, async (t) => {
    const { client } = await newPerson(app, 'access')
    await age(database, client.sessionId, 200)
    const response = await replace(client, url)
    t.ok(response.json().expires_in <= 400, `${response.json().expires_in} s`)
    t.ok(response.json().expires_in > 380, `${response.json().expires_in} s`)

    const { client: browser } = await newPerson(app)
    await age(database, browser.sessionId, 7_776_000 - 1000)
    await sql(
      database,
      'UPDATE session SET idle_expires_at = absolute_expires_at WHERE id = $1::uuid',
      browser.sessionId
    )
    const [cookie] = (await replace(browser, url)).cookies
    t.ok(Number(cookie?.maxAge) <= 1000 && Number(cookie?.maxAge) > 980, `${cookie?.maxAge} s`)
  })

  t.test(`POST ${url} sets auth_time to now and keeps the older methods in amr`, async (t) => {
    const { client } = await newPerson(app)
    await sql(database, "UPDATE session SET amr = '{otp}' WHERE id = $1::uuid", client.sessionId)
    await age(database, client.sessionId, 3600)
    await client.send('POST', '/refresh')
    t.ok(claimsOf(client).iat - claimsOf(client).auth_time >= 3600)
    await replace(client, url)
    t.ok(claimsOf(client).iat - claimsOf(client).auth_time <= 1)
    t.strictSame(claimsOf(client).amr, ['otp', 'pwd'])
  })

  t.test(`POST ${url} sets the cookie if the request has none, also after a rotation`, async (t) => {
    const { client } = await newPerson(app)
    await age(database, client.sessionId, 20)
    const older = copyOf(client)
    await client.send('POST', '/refresh')
    client.cookies.clear()
    client.cookies.set(refreshCookie, older.cookies.get(refreshCookie) ?? '')
    t.equal((await client.send('GET', '/me')).statusCode, 200)
    t.equal((await replace(client, url)).statusCode, 200, 'an older cookie of the same session')
    t.equal((await client.send('POST', '/refresh')).statusCode, 200)

    const { client: another } = await newPerson(app)
    another.cookies.clear()
    t.equal((await replace(another, url)).statusCode, 200)
    t.equal((await another.send('POST', '/refresh')).statusCode, 200)
  })

  t.test(`POST ${url} never overwrites the cookie of another session, and then changes nothing`, async (t) => {
    const person = await newPerson(app)
    const { client } = person
    const another = await anotherDevice(app, person)
    for (const foreign of [another.client.cookies.get(refreshCookie) ?? '', 'lk_rt_invented']) {
      const mixed = copyOf(client)
      mixed.cookies.set(refreshCookie, foreign)
      const detail = 'The cookie is of another session than the access token.'
      expectProblem(t, await replace(mixed, url), 'ambiguous_credentials', { detail })
    }
    t.equal((await another.client.send('POST', '/refresh')).statusCode, 200)
    t.equal((await client.send('GET', '/me')).statusCode, 200)
    t.equal((await sessionsOf(client)).length, 2)

    const inBody = copyOf((await anotherDevice(app, person, 'body')).client)
    inBody.cookies.set(refreshCookie, another.client.cookies.get(refreshCookie) ?? '')
    const response = await replace(inBody, url)
    t.equal(response.statusCode, 200, 'body mode sets no cookie, so a cookie does not matter')
    t.strictSame(response.cookies, [])
  })

  t.test(`POST ${url}: of two simultaneous requests of one session one succeeds`, async (t) => {
    const { client } = await newPerson(app)
    const answers = await Promise.all([replace(copyOf(client), url), replace(copyOf(client), url)])
    t.strictSame(answers.map(({ statusCode }) => statusCode).sort(), [200, 401])
    expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  })

  t.test(`POST ${url} from a session that ended on another instance is session_revoked`, async (t) => {
    const { client, email } = await newPerson(app, 'body')
    await sql(database, 'DELETE FROM session WHERE id = $1::uuid', client.sessionId)
    expectProblem(t, await replace(client, url), 'session_revoked')
    const login = await app.inject({ method: 'POST', url: '/login', payload: { email, password: goodPassword } })
    t.equal(login.statusCode, 200)
  })
}

t.test('POST /reauthenticate ends no other session and keeps the password', async (t) => {
  const here = await newPerson(app)
  const there = await anotherDevice(app, here)
  t.equal((await replace(here.client, '/reauthenticate')).statusCode, 200)
  t.equal((await there.client.send('GET', '/me')).statusCode, 200)
  t.equal((await there.client.send('POST', '/refresh')).statusCode, 200)
  await anotherDevice(app, here)
  const { events } = (await here.client.send('GET', '/me/events')).json()
  t.match(events, [{}, { type: 'session_ended', reason: 'replaced' }, { type: 'reauthenticated' }, {}, {}])
})

t.test('POST /reauthenticate with a wrong password changes nothing, and is counted and in the event log', async (t) => {
  const { client } = await newPerson(app)
  for (const password of ['wrong', '', `${goodPassword} `, 'x'.repeat(1025)]) {
    expectProblem(t, await client.send('POST', '/reauthenticate', { payload: { password } }), 'invalid_credentials')
  }
  t.equal((await client.send('GET', '/me')).statusCode, 200)
  const { events } = (await client.send('GET', '/me/events')).json()
  t.equal(events.filter(({ type }: { type: string }) => type === 'password_refused').length, 4)
  const { body } = await app.inject('/metrics')
  t.match(body, /latchkey_reauthentications_total\{outcome="wrong_password"\} [4-9]/)
})
