import t from 'tap'
import { accessTokenType } from '../../../src/core/access-claims.js'
import { bearerHeaders } from '../../support/bearer-headers.js'
import { age, openTestDatabase } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { newPerson, sessionCookie } from '../../support/http/people.js'
import { shiftableClock } from '../../support/http/shiftable-clock.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const clock = shiftableClock()
const app = await openService(t, database, {}, clock)

const guarded = [
  ['GET', '/me'],
  ['POST', '/password'],
  ['POST', '/reauthenticate'],
  ['DELETE', '/me'],
  ['GET', '/sessions'],
  ['DELETE', '/sessions'],
  ['PATCH', '/sessions/00000000-0000-4000-8000-000000000000'],
  ['DELETE', '/sessions/00000000-0000-4000-8000-000000000000']
] as const

/** A request that would succeed with a valid credential. */
const send = (method: (typeof guarded)[number][0], url: string, headers: Record<string, string>) =>
  app.inject({
    method,
    url,
    headers,
    ...(method !== 'GET' && { payload: { password: 'p', current_password: 'p', new_password: 'p', device: 'd' } })
  })

for (const [method, url] of guarded) {
  t.test(`${method} ${url.slice(0, 12)}: a missing or invalid credential is refused`, async (t) => {
    expectProblem(t, await send(method, url, {}), 'missing_credentials')
    expectProblem(t, await send(method, url, { authorization: 'Bearer x.y.z' }), 'invalid_token')
    expectProblem(t, await send(method, url, { cookie: `${sessionCookie}=lk_st_x` }), 'invalid_token')
  })
}

t.test('an Authorization header without a Bearer token is refused and never falls back to the cookie', async (t) => {
  const { client } = await newPerson(app, 'session')
  const cookie = `${sessionCookie}=${client.cookies.get(sessionCookie)}`
  const good = (await newPerson(app)).client.accessToken
  for (const authorization of ['Basic dXNlcjpwYXNz', 'Bearer a b', 'bearer null', ...bearerHeaders.bad(good)]) {
    expectProblem(t, await app.inject({ url: '/me', headers: { authorization, cookie } }), 'invalid_token')
  }
})

t.test('the scheme Bearer is accepted in any case', async (t) => {
  const { client } = await newPerson(app)
  for (const authorization of bearerHeaders.good(client.accessToken)) {
    t.equal((await app.inject({ url: '/me', headers: { authorization } })).statusCode, 200, authorization)
  }
})

t.test('an access token is accepted until its last second, then token_expired', async (t) => {
  const { client } = await newPerson(app)
  clock.shiftSeconds = 598
  t.equal((await client.send('GET', '/me')).statusCode, 200)
  clock.shiftSeconds = 600
  expectProblem(t, await client.send('GET', '/me'), 'token_expired')
  clock.shiftSeconds = 0
})

t.test('a server-side session ends when idle, and each use extends it', async (t) => {
  const { client } = await newPerson(app, 'session')
  for (let week = 0; week < 4; week += 1) {
    await age(database, client.sessionId, 604_800)
    t.equal((await client.send('GET', '/me')).statusCode, 200)
  }
  await age(database, client.sessionId, 1_209_600)
  expectProblem(t, await client.send('GET', '/me'), 'token_expired')
})

t.test('a server-side session ends at its absolute end, however often it is used', async (t) => {
  const { client } = await newPerson(app, 'session')
  for (let week = 0; week < 12; week += 1) {
    await age(database, client.sessionId, 604_800)
    t.equal((await client.send('GET', '/me')).statusCode, 200)
  }
  await age(database, client.sessionId, 7_776_000 - 12 * 604_800)
  expectProblem(t, await client.send('GET', '/me'), 'token_expired')
})

t.test('a refresh token with the prefix of a session token is refused', async (t) => {
  const { client } = await newPerson(app, 'body')
  for (const token of [client.refreshToken, client.refreshToken.replace('lk_rt_', 'lk_st_')]) {
    const response = await app.inject({ url: '/me', headers: { cookie: `${sessionCookie}=${token}` } })
    expectProblem(t, response, 'invalid_token')
  }
})

t.test('an access token has the claims of RFC 9068 and nothing personal', async (t) => {
  const { client, email } = await newPerson(app)
  const [header = {}, claims = {}] = client.accessToken
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  const { kid, ...fixed } = header
  t.strictSame(fixed, { alg: 'ES256', typ: accessTokenType })
  t.match((await app.inject('/.well-known/jwks.json')).json(), { keys: [{ kid, alg: 'ES256' }] })

  const { sub, jti, iat, exp, auth_time, ...rest } = claims
  t.strictSame(rest, {
    iss: 'https://auth.test',
    aud: 'https://auth.test',
    sid: client.sessionId,
    client_id: 'latchkey',
    amr: ['pwd'],
    roles: []
  })
  t.equal(sub, (await client.send('GET', '/me')).json().id)
  t.match(jti, /^[0-9a-f-]{36}$/)
  t.equal(exp - iat, 600)
  t.ok(Math.abs(iat - Date.now() / 1000) < 60)
  t.ok(Math.abs(auth_time - iat) <= 1)
  t.notMatch(JSON.stringify(claims), email)
})

t.test('a refresh keeps auth_time and has a new jti', async (t) => {
  const { client } = await newPerson(app)
  await age(database, client.sessionId, 3600)
  const claimsOf = () => JSON.parse(Buffer.from(client.accessToken.split('.')[1] ?? '', 'base64url').toString())
  const before = claimsOf()
  await client.send('POST', '/refresh')
  const after = claimsOf()
  t.not(after.jti, before.jti)
  t.equal(after.auth_time, before.auth_time - 3600)
})
