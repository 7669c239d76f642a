import t from 'tap'
import type { Static } from 'typebox'
import type { TokenResponse } from '../../../src/http/schemas/sign-in.js'
import { age, openTestDatabase, sql, testDatabases } from '../../support/database.js'
import { copyOf, newPerson, refreshCookie } from '../../support/http/people.js'
import { openService } from '../../support/service.js'

for (const kind of testDatabases(t)) {
  t.test(`on ${kind}`, async (t) => {
    const database = await openTestDatabase(t, { kind, embedded: { waitSeconds: 30 }, server: { waitSeconds: 30 } })
    const app = await openService(t, database)

    const refreshFiftyTimes = (refresh_token: string) =>
      Promise.all(
        Array.from({ length: 50 }, () => app.inject({ method: 'POST', url: '/refresh', payload: { refresh_token } }))
      )

    t.test(
      'fifty concurrent refreshes of one token get fifty responses, one successor and one generation',
      async (t) => {
        const { client } = await newPerson(app, 'body')
        for (const generation of [1, 2]) {
          const before = client.refreshToken
          const responses = await refreshFiftyTimes(before)
          t.ok(responses.every(({ statusCode }) => statusCode === 200))
          const bodies = responses.map((response) => response.json<Static<typeof TokenResponse>>())
          const successors = new Set(bodies.map(({ refresh_token }) => refresh_token))
          t.equal(successors.size, 1)
          t.notOk(successors.has(before))
          t.equal(new Set(bodies.map(({ access_token }) => access_token)).size, 50)
          t.strictSame(
            await sql(database, 'SELECT generation::int FROM session WHERE id = $1::uuid', client.sessionId),
            [{ generation }]
          )
          for (const { access_token } of bodies) {
            const me = await app.inject({ url: '/me', headers: { authorization: `Bearer ${access_token}` } })
            t.equal(me.statusCode, 200)
          }
          client.refreshToken = bodies[0]?.refresh_token ?? ''
          await age(database, client.sessionId, 20)
        }
      }
    )

    t.test('ten tabs of one cookie jar, some a generation behind, all get the same token', async (t) => {
      const { client } = await newPerson(app)
      const behind = copyOf(client)
      await client.send('POST', '/refresh')
      const tabs = Array.from({ length: 10 }, (_, i) => copyOf(i % 2 ? client : behind))
      const responses = await Promise.all(tabs.map((tab) => tab.send('POST', '/refresh')))
      t.ok(responses.every(({ statusCode }) => statusCode === 200))
      t.strictSame([...new Set(tabs.map((tab) => tab.cookies.get(refreshCookie)))], [client.cookies.get(refreshCookie)])
    })

    t.test('fifty uses of a token two generations behind end the session once', async (t) => {
      const { client } = await newPerson(app, 'body')
      const stolen = client.refreshToken
      for (let rotation = 0; rotation < 2; rotation += 1) {
        await client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })
        await age(database, client.sessionId, 20)
      }
      const responses = await refreshFiftyTimes(stolen)
      for (const response of responses) t.match(response.json(), { code: 'session_ended', reason: 'reuse_detected' })
      const ended = await sql(
        database,
        `SELECT 1 FROM event WHERE session_id = $1::uuid AND type = 'session_ended'`,
        client.sessionId
      )
      t.equal(ended.length, 1)
    })

    t.test('a logout during refreshes wins: every token that they returned is refused', async (t) => {
      for (let round = 0; round < 10; round += 1) {
        const { client } = await newPerson(app)
        const tabs = Array.from({ length: 6 }, () => copyOf(client))
        await Promise.all(tabs.map((tab, i) => tab.send('POST', i === round % 6 ? '/logout' : '/refresh')))
        for (const tab of tabs) {
          t.match((await tab.send('GET', '/me')).json(), { code: 'session_revoked' })
          t.match((await tab.send('POST', '/refresh')).json().code, /^(session_ended|missing_credentials)$/)
        }
        t.strictSame(await sql(database, 'SELECT 1 FROM session WHERE id = $1::uuid', client.sessionId), [])
      }
    })
  })
}
