import type { LightMyRequestResponse } from 'fastify'
import t from 'tap'
import type { EndedReason } from '../../../src/core/vocabulary.js'
import { age, openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { anotherDevice, copyOf, newPerson, refreshCookie } from '../../support/http/people.js'
import { type Client, goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)

const newPassword = 'another good password'

/** What replaces the session of the cookie in the same browser. */
const replacements: Readonly<Record<string, (client: Client, email: string) => Promise<LightMyRequestResponse>>> = {
  'a login': (client, email) => client.signIn(email, { path: '/login' }),
  'a login as somebody else': async (client) => client.signIn((await newPerson(app)).email, { path: '/login' }),
  'a password change': (client) =>
    client.send('POST', '/password', { payload: { current_password: goodPassword, new_password: newPassword } }),
  'a re-authentication': (client) => client.send('POST', '/reauthenticate', { payload: { password: goodPassword } })
}

for (const [name, replace] of Object.entries(replacements)) {
  t.test(`a refresh of another tab that arrives after ${name} does not touch the new cookie`, async (t) => {
    const { client, email } = await newPerson(app)
    const tabs = [copyOf(client), copyOf(client), copyOf(client)]
    t.equal((await replace(client, email)).statusCode, 200)
    for (const tab of tabs) {
      expectProblem(t, await tab.send('POST', '/refresh'), 'session_ended', { reason: 'replaced' })
    }
    t.equal((await client.send('POST', '/refresh')).statusCode, 200)
  })

  t.test(
    `in every interleaving of refreshes and ${name}, only refreshes that came before it set a cookie`,
    async (t) => {
      for (let round = 0; round < 10; round += 1) {
        const { client, email } = await newPerson(app)
        const tabs = Array.from({ length: 4 }, () => copyOf(client))
        const refresh = async (tab: Client, turns: number) => {
          for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate)
          return tab.send('POST', '/refresh')
        }
        const [replaced, ...refreshed] = await Promise.all([
          replace(client, email),
          ...tabs.map((tab, index) => refresh(tab, index * round))
        ])
        t.equal(replaced.statusCode, 200)
        for (const response of refreshed) {
          if (response.statusCode === 200) continue
          expectProblem(t, response, 'session_ended', { reason: 'replaced' })
        }
        t.equal((await client.send('POST', '/refresh')).statusCode, 200, 'the new cookie is good')
      }
    }
  )
}

t.test('a login with the cookie of a session that has ended keeps late refreshes from clearing its own', async (t) => {
  const ends: readonly [EndedReason, (client: Client) => Promise<unknown>][] = [
    ['revoked_by_admin', (client) => app.latchkey.sessions.endSession(client.sessionId)],
    ['logged_out', (client) => copyOf(client).send('POST', '/logout')],
    ['revoked_by_admin', () => app.latchkey.sessions.endEverybodysSessions()]
  ]
  for (const [reason, end] of ends) {
    const { client, email } = await newPerson(app)
    const tab = copyOf(client)
    await end(client)
    t.equal((await client.signIn(email, { path: '/login' })).statusCode, 200)
    expectProblem(t, await tab.send('POST', '/refresh'), 'session_ended', { reason, replaced: true })
    t.equal((await client.send('POST', '/refresh')).statusCode, 200)
  }
})

t.test('a login with a stolen cookie of an ended session does not hide why it ended', async (t) => {
  const endings: readonly [EndedReason, (client: Client, email: string) => Promise<unknown>][] = [
    [
      'reuse_detected',
      async (client) => {
        const stale = copyOf(client)
        for (let turn = 0; turn < 2; turn += 1) {
          await client.send('POST', '/refresh')
          await age(database, client.sessionId, 20)
        }
        await stale.send('POST', '/refresh')
      }
    ],
    ['revoked_by_admin', (client) => app.latchkey.sessions.endSession(client.sessionId)],
    [
      'revoked_by_user',
      async (client, email) => {
        const { client: other } = await anotherDevice(app, { email })
        await other.send('DELETE', `/sessions/${client.sessionId}`)
      }
    ],
    [
      'password_changed',
      async (_, email) => {
        const { client: other } = await anotherDevice(app, { email })
        const payload = { current_password: goodPassword, new_password: newPassword }
        await other.send('POST', '/password', { payload })
      }
    ]
  ]
  for (const [reason, end] of endings) {
    const { client, email } = await newPerson(app)
    const thief = copyOf(client)
    await end(client, email)
    t.equal((await thief.signIn((await newPerson(app)).email, { path: '/login' })).statusCode, 200)
    for (let time = 0; time < 2; time += 1) {
      expectProblem(t, await client.send('POST', '/refresh'), 'session_ended', { reason, replaced: true })
    }
  }
})

t.test('repeated logins with the cookie of an ended session write one event', async (t) => {
  const { client, email } = await newPerson(app)
  const { sessionId } = client
  await app.latchkey.sessions.endSession(sessionId)
  for (let i = 0; i < 3; i += 1) await copyOf(client).signIn(email, { path: '/login' })
  const reasons = await sql(
    database,
    `SELECT reason FROM event WHERE session_id = $1::uuid AND type = 'session_ended' ORDER BY id`,
    sessionId
  )
  t.strictSame(reasons, [{ reason: 'revoked_by_admin' }, { reason: 'replaced' }])
})

t.test('a session that ended for another reason clears its cookie', async (t) => {
  const { client } = await newPerson(app)
  await app.latchkey.sessions.endSession(client.sessionId)
  const reason = 'revoked_by_admin'
  expectProblem(t, await client.send('POST', '/refresh'), 'session_ended', { reason }, [refreshCookie])
})

t.test('a deleted account clears the cookie of its session, and no other', async (t) => {
  const { client } = await newPerson(app)
  const { client: other } = await newPerson(app)
  client.cookies.set(refreshCookie, other.cookies.get(refreshCookie) ?? '')
  const response = await client.send('DELETE', '/me', { payload: { password: goodPassword } })
  t.equal(response.statusCode, 204)
  t.strictSame(
    response.cookies.map(({ name }) => name),
    ['__Host-session']
  )
  t.equal((await other.send('POST', '/refresh')).statusCode, 200)
})

t.test("a logout leaves another service's cookie alone", async (t) => {
  const { client } = await newPerson(app, 'body')
  const response = await app.inject({
    method: 'POST',
    url: '/logout',
    headers: { cookie: `${refreshCookie}=of-another-service`, authorization: `Bearer ${client.accessToken}` }
  })
  t.equal(response.statusCode, 204)
  t.strictSame(
    response.cookies.map(({ name }) => name),
    ['__Host-session']
  )
})
