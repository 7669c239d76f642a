import t from 'tap'
import { Unavailable } from '../../../src/ports/errors.js'
import { openTestDatabase, sql } from '../../support/database.js'
import { expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { newPerson, refreshCookie } from '../../support/http/people.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)

const refresh = (payload: object | undefined, headers = {}) =>
  app.inject({ method: 'POST', url: '/refresh', ...(payload && { payload }), headers })

t.test('a request without a refresh token is missing_credentials', async (t) => {
  expectProblem(t, await refresh(undefined), 'missing_credentials')
  expectProblem(t, await refresh({}), 'missing_credentials')
  expectProblem(t, await refresh(undefined, { cookie: `${refreshCookie}=` }), 'missing_credentials')
})

t.test('access tokens and refresh tokens cannot replace each other', async (t) => {
  const { client } = await newPerson(app, 'body')
  const authorization = `Bearer ${client.refreshToken}`
  expectProblem(t, await refresh(undefined, { authorization }), 'missing_credentials')
  expectProblem(t, await app.inject({ url: '/me', headers: { authorization } }), 'invalid_token')
  expectFieldErrors(t, await refresh({ refresh_token: client.accessToken }), ['refresh_token'])
})

t.test('a session token with the prefix of a refresh token is refused', async (t) => {
  const { client } = await newPerson(app, 'session')
  const token = client.cookies.get('__Host-session') ?? ''
  expectProblem(t, await refresh({ refresh_token: token }), 'invalid_refresh_token')
  expectProblem(t, await refresh({ refresh_token: token.replace('lk_st_', 'lk_rt_') }), 'invalid_refresh_token')
})

t.test('a damaged token is refused and ends nothing', async (t) => {
  const { client } = await newPerson(app, 'body')
  const good = client.refreshToken
  const flipped = (at: number) => good.slice(0, at) + (good[at] === 'A' ? 'B' : 'A') + good.slice(at + 1)
  const damaged = ['', 'x', 'lk_rt_', good.slice(0, -1), `${good}A`, `${good}=`, ` ${good}`, good.toUpperCase()]
  for (const token of [...damaged, ...[7, 20, 34, 60, 90, good.length - 3].map(flipped)]) {
    expectProblem(t, await refresh({ refresh_token: token }), 'invalid_refresh_token')
  }
  t.equal((await refresh({ refresh_token: good })).statusCode, 200)
})

t.test("a cookie that none of our keys has made may be another service's, and stays", async (t) => {
  for (const token of ['lk_rt_damaged', 'the token of another service', `lk_rt_${'A'.repeat(115)}`]) {
    const response = await refresh(undefined, { cookie: `${refreshCookie}=${token}` })
    expectProblem(t, response, 'invalid_refresh_token')
  }
})

t.test('a token of a deleted session without an event is invalid_refresh_token', async (t) => {
  const { client } = await newPerson(app)
  await sql(database, 'DELETE FROM session WHERE id = $1::uuid', client.sessionId)
  expectProblem(t, await client.send('POST', '/refresh'), 'invalid_refresh_token', {}, [refreshCookie])
})

t.test('a genuine token with another secret than the row is refused and ends nothing', async (t) => {
  const { client } = await newPerson(app, 'body')
  await sql(database, `UPDATE session SET secret_hash = 'another' WHERE id = $1::uuid`, client.sessionId)
  expectProblem(t, await refresh({ refresh_token: client.refreshToken }), 'invalid_refresh_token')
  t.equal((await client.send('GET', '/me')).statusCode, 200)
})

t.test('tokens in both the cookie and the body are ambiguous, and both stay valid', async (t) => {
  const { client } = await newPerson(app)
  const payload = { refresh_token: (await newPerson(app, 'body')).client.refreshToken }
  expectProblem(t, await client.send('POST', '/refresh', { payload }), 'ambiguous_credentials')
  t.equal((await refresh(payload)).statusCode, 200)
  t.equal((await client.send('POST', '/refresh')).statusCode, 200)
})

t.test('an Idempotency-Key that is too short or too long is refused', async (t) => {
  const { client } = await newPerson(app)
  for (const value of ['', 'short', 'x'.repeat(15), 'x'.repeat(256)]) {
    const response = await client.send('POST', '/refresh', { headers: { 'idempotency-key': value } })
    expectFieldErrors(t, response, ['idempotency-key'])
  }
  for (const value of ['x'.repeat(16), 'x'.repeat(255)]) {
    t.equal((await client.send('POST', '/refresh', { headers: { 'idempotency-key': value } })).statusCode, 200)
  }
})

t.test('without a database a refresh answers 503 with Retry-After, and the cookie stays valid', async (t) => {
  let away = false
  const faulty: typeof database = {
    ...database,
    run: async (operation) => {
      if (away) throw new Unavailable('away', 7)
      return database.run(operation)
    }
  }
  const { client } = await newPerson(await openService(t, faulty))
  away = true
  const response = await client.send('POST', '/refresh')
  expectProblem(t, response, 'unavailable')
  t.equal(response.headers['retry-after'], '7')
  away = false
  t.equal((await client.send('POST', '/refresh')).statusCode, 200)
})
