import t from 'tap'
import { age, openTestDatabase } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { newPerson } from '../../support/http/people.js'
import { openService } from '../../support/service.js'

/** REFRESH_GRACE_SECONDS=0 (ASVS 10.4.5). */
const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database, { REFRESH_GRACE_SECONDS: '0' })
const key = { 'idempotency-key': 'one key of one browser' }

const refresh = (refresh_token: string) =>
  app.inject({ method: 'POST', url: '/refresh', payload: { refresh_token }, headers: key })

t.test('strict: every refresh rotates', async (t) => {
  const { client } = await newPerson(app, 'body')
  const tokens = new Set([client.refreshToken])
  for (let rotation = 0; rotation < 3; rotation += 1) {
    await client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })
    tokens.add(client.refreshToken)
  }
  t.equal(tokens.size, 4)
})

t.test('strict: every old token is reuse, at once and later, even with the key of its request', async (t) => {
  for (const seconds of [0, 7200]) {
    const { client } = await newPerson(app, 'body')
    t.equal((await refresh(client.refreshToken)).statusCode, 200)
    await age(database, client.sessionId, seconds)
    expectProblem(t, await refresh(client.refreshToken), 'session_ended', { reason: 'reuse_detected' })
    expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  }
})

t.test('no recovery: with REFRESH_RECOVERY_GENERATIONS=0 a lost response ends the session', async (t) => {
  const withoutRecovery = await openService(t, database, { REFRESH_RECOVERY_GENERATIONS: '0' })
  const { client } = await newPerson(withoutRecovery, 'body')
  const send = () =>
    withoutRecovery.inject({ method: 'POST', url: '/refresh', payload: { refresh_token: client.refreshToken } })
  t.equal((await send()).statusCode, 200)
  t.equal((await send()).statusCode, 200, 'within grace it still works')
  await age(database, client.sessionId, 7200)
  expectProblem(t, await send(), 'session_ended', { reason: 'reuse_detected' })
})
