import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { age, openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { copyOf, newPerson, refreshCookie } from '../../support/http/people.js'
import { postForm, serviceSettings } from '../../support/http/services.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { type Client, goodPassword, openService } from '../../support/service.js'

/** What an old refresh token is worth at each route that ends or replaces its session. */
const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)
const app = await openService(t, database, { ...serviceSettings, ...mailServer.settings })

/** The reasons in the events of the session's end, oldest first. */
const endsOf = async (sid: string) =>
  (
    await sql<{ reason: string }>(
      database,
      "SELECT reason FROM event WHERE session_id = $1::uuid AND type = 'session_ended' ORDER BY id",
      sid
    )
  ).map(({ reason }) => reason)

/** How many notices of a theft were written to this address. */
const theftNotices = async (email: string) =>
  (await sql(database, "SELECT 1 FROM mail WHERE recipient = $1 AND kind = 'theft_detected'", email)).length

const reuseCount = async () =>
  Number(/latchkey_refreshes_total\{outcome="reuse"\} (\d+)/.exec((await app.inject('/metrics')).body)?.[1])

/** A live session whose client has rotated `times`, each after the grace, and a copy with its first cookie. */
async function withOldCookie(times: number, secondsSince = 20) {
  const { client, email } = await newPerson(app)
  const thief = copyOf(client)
  for (let turn = 0; turn < times; turn += 1) {
    await age(database, client.sessionId, 20)
    if ((await client.send('POST', '/refresh')).statusCode !== 200) throw new Error('The refresh failed.')
  }
  await age(database, client.sessionId, secondsSince)
  thief.accessToken = client.accessToken
  return { client, email, thief, sid: client.sessionId }
}

interface Route {
  /** The reason for the end of the session if the token is the client's own. */
  readonly own: string
  /** Whether the response overwrites the cookie. */
  readonly replaces: boolean
  send(client: Client, email: string): Promise<LightMyRequestResponse>
}

const routes: Readonly<Record<string, Route>> = {
  'POST /login': {
    own: 'replaced',
    replaces: true,
    send: (client, email) => client.signIn(email, { path: '/login' })
  },
  'POST /login as somebody else': {
    own: 'replaced',
    replaces: true,
    send: async (client) => client.signIn((await newPerson(app)).email, { path: '/login' })
  },
  'POST /register': {
    own: 'replaced',
    replaces: true,
    send: (client) => client.signIn(`new-${client.sessionId}@example.org`)
  },
  'POST /password': {
    own: 'replaced',
    replaces: true,
    send: (client) =>
      client.send('POST', '/password', {
        payload: { current_password: goodPassword, new_password: 'another good password' }
      })
  },
  'POST /reauthenticate': {
    own: 'replaced',
    replaces: true,
    send: (client) => client.send('POST', '/reauthenticate', { payload: { password: goodPassword } })
  },
  'POST /logout': {
    own: 'logged_out',
    replaces: false,
    send: (client) => client.send('POST', '/logout', { bearer: false, payload: {} })
  },
  'POST /logout with the token in the body': {
    own: 'logged_out',
    replaces: false,
    send: (client) =>
      app.inject({
        method: 'POST',
        url: '/logout',
        payload: { refresh_token: client.cookies.get(refreshCookie) ?? '' }
      })
  },
  'POST /revoke': {
    own: 'logged_out',
    replaces: false,
    send: (client) => postForm(app, '/revoke', { token: client.cookies.get(refreshCookie) ?? '' })
  }
}

function expectSuccess(t: Test, response: LightMyRequestResponse): void {
  t.ok(response.statusCode < 300, `${response.statusCode} ${response.body}`)
}

for (const [name, { own, replaces, send }] of Object.entries(routes)) {
  t.test(`${name} with an old refresh token succeeds, leaves the trace of a reuse, and sends one notice`, async (t) => {
    const { client, email, thief, sid } = await withOldCookie(2)
    const before = await reuseCount()
    expectSuccess(t, await send(thief, email))
    t.strictSame(await endsOf(sid), ['reuse_detected', ...(replaces ? ['replaced'] : [])])
    t.equal((await reuseCount()) - before, 1)
    t.equal(await theftNotices(email), 1)

    const members = { reason: 'reuse_detected' as const, ...(replaces && { replaced: true }) }
    const cleared = replaces ? [] : [refreshCookie]
    expectProblem(t, await client.send('POST', '/refresh'), 'session_ended', members, cleared)
  })

  t.test(`${name} with the newest token, or one that a refresh would answer, is no reuse`, async (t) => {
    const before = await reuseCount()
    for (const [times, secondsSince] of [
      [0, 0],
      [1, 0],
      [1, 3600]
    ] as const) {
      const { email, thief, sid } = await withOldCookie(times, secondsSince)
      expectSuccess(t, await send(thief, email))
      t.strictSame(await endsOf(sid), [own], `${times} rotations, ${secondsSince} s ago`)
      t.equal(await theftNotices(email), 0)
    }
    t.equal(await reuseCount(), before)
  })
}

t.test('of two tokens of one session in one login the newer one decides', async (t) => {
  const { client, email, sid } = await withOldCookie(0)
  const old = client.cookies.get(refreshCookie)
  for (let turn = 0; turn < 2; turn += 1) {
    await age(database, sid, 20)
    await client.send('POST', '/refresh')
  }
  for (const order of [0, 1]) {
    const newest = client.cookies.get(refreshCookie)
    const [first, second] = order === 0 ? [old, newest] : [newest, old]
    const cookie = `${refreshCookie}=${first}; ${refreshCookie}=${second}`
    const payload = { email, password: goodPassword }
    t.equal((await app.inject({ method: 'POST', url: '/login', headers: { cookie }, payload })).statusCode, 200)
    t.strictSame(await endsOf(sid), ['replaced'])
  }
})

t.test('a wrong password with an old cookie ends nothing', async (t) => {
  const { client, thief, sid } = await withOldCookie(2)
  const wrong = await thief.send('POST', '/reauthenticate', { payload: { password: 'wrong password' } })
  expectProblem(t, wrong, 'invalid_credentials')
  t.strictSame(await endsOf(sid), [])
  t.equal((await client.send('POST', '/refresh')).statusCode, 200)
})
