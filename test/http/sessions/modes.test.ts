import t from 'tap'
import { type Mode, modes } from '../../../src/core/vocabulary.js'
import { openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { anotherDevice, newEmail, newPerson, refreshCookie, sessionCookie } from '../../support/http/people.js'
import { Client, goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)

/** What a sign-in in each mode returns: the members of the body, and the cookie. */
const handedOut: Readonly<Record<Mode, { members: readonly string[]; cookies: readonly string[]; expiresIn: number }>> =
  {
    cookie: {
      members: ['access_token', 'expires_in', 'session_id', 'token_type'],
      cookies: [refreshCookie],
      expiresIn: 600
    },
    body: {
      members: [
        'access_token',
        'device_token',
        'expires_in',
        'refresh_expires_in',
        'refresh_token',
        'session_id',
        'token_type'
      ],
      cookies: [],
      expiresIn: 600
    },
    session: { members: ['expires_in', 'session_id'], cookies: [sessionCookie], expiresIn: 7_776_000 },
    access: { members: ['access_token', 'expires_in', 'session_id', 'token_type'], cookies: [], expiresIn: 600 }
  }

for (const mode of modes) {
  t.test(`${mode}: register and login return what the mode defines, and nothing else`, async (t) => {
    const email = newEmail()
    for (const path of ['/register', '/login'] as const) {
      const client = new Client(app)
      const response = await client.signIn(email, { path, mode })
      const expected = handedOut[mode]
      t.strictSame(Object.keys(response.json()).sort(), expected.members)
      t.equal(response.json().expires_in, expected.expiresIn)
      t.strictSame([...client.cookies.keys()], expected.cookies)
      t.equal(response.headers['cache-control'], 'no-store')
      t.match((await client.send('GET', '/me')).json(), { email, session_id: client.sessionId })
      t.match((await client.send('GET', '/sessions')).json().sessions[0], { id: client.sessionId, mode })
    }
  })

  t.test(`${mode}: refused if MODES leaves it out, before anything is created`, async (t) => {
    const others = modes.filter((other) => other !== mode)
    const partial = await openService(t, database, { MODES: others.join(',') })
    const payload = { email: newEmail(), password: goodPassword, mode }
    for (const url of ['/register', '/login']) {
      const response = await partial.inject({ method: 'POST', url, payload })
      expectProblem(t, response, 'mode_not_allowed', { detail: `This server offers: ${others.join(', ')}.` })
    }
    t.strictSame(await sql(database, 'SELECT 1 FROM "user" WHERE email_key = $1', payload.email), [])
  })
}

t.test('cookie is the default mode', async (t) => {
  const client = new Client(app)
  await client.signIn(newEmail())
  t.match((await client.send('GET', '/sessions')).json(), { sessions: [{ mode: 'cookie' }] })
})

t.test('only body mode has a refresh token in the body, of sign-ins and refreshes', async (t) => {
  const { client } = await newPerson(app)
  const response = await client.send('POST', '/refresh')
  t.strictSame(Object.keys(response.json()).sort(), handedOut.cookie.members)
  t.notMatch(response.body, 'lk_rt_')
})

t.test('body: a refresh answers in the body and sets no cookie', async (t) => {
  const { client } = await newPerson(app, 'body')
  const before = client.refreshToken
  const response = await client.send('POST', '/refresh', { payload: { refresh_token: before } })
  const members = handedOut.body.members.filter((member) => member !== 'device_token')
  t.strictSame(Object.keys(response.json()).sort(), members)
  t.equal(response.json().refresh_expires_in, 1_209_600)
  t.not(client.refreshToken, before)
  t.equal(client.cookies.size, 0)
})

t.test('body: cookies of another session in this browser are left alone', async (t) => {
  const { client, email } = await newPerson(app)
  const other = new Client(app)
  for (const [name, value] of client.cookies) other.cookies.set(name, value)
  await other.signIn(email, { path: '/login', mode: 'body' })
  t.equal((await client.send('POST', '/refresh')).statusCode, 200)
})

t.test('session: there is no JWT, and the cookie is the only credential', async (t) => {
  const { client } = await newPerson(app, 'session')
  t.equal(client.accessToken, '')
  t.match(client.cookies.get(sessionCookie), /^lk_st_[\w-]+$/)
  t.equal((await client.send('GET', '/me')).statusCode, 200)
})

t.test('session: there is nothing to refresh', async (t) => {
  const { client } = await newPerson(app, 'session')
  expectProblem(t, await client.send('POST', '/refresh'), 'missing_credentials')
})

t.test('session: ending it elsewhere refuses its cookie at once', async (t) => {
  const person = await newPerson(app, 'session')
  const other = await anotherDevice(app, person)
  t.equal((await other.client.send('DELETE', `/sessions/${person.client.sessionId}`)).statusCode, 204)
  expectProblem(t, await person.client.send('GET', '/me'), 'session_revoked')
})

t.test('access: the session ends with its only token', async (t) => {
  const { client } = await newPerson(app, 'access')
  const [session] = (await client.send('GET', '/sessions')).json().sessions
  const shown = Date.parse(session.expires_at) - Date.parse(session.created_at)
  t.ok(shown > 300_000 && shown <= 600_000, 'its end is cut down to five minutes')
})

t.test('with both credentials the Authorization header wins', async (t) => {
  const bySession = await newPerson(app, 'session')
  const byHeader = await newPerson(app, 'access')
  bySession.client.accessToken = byHeader.client.accessToken
  t.match((await bySession.client.send('GET', '/me')).json(), { email: byHeader.email })
  bySession.client.accessToken = 'damaged'
  expectProblem(t, await bySession.client.send('GET', '/me'), 'invalid_token')
})
