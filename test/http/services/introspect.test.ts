import t from 'tap'
import { age, openTestDatabase } from '../../support/database.js'
import { expectFieldErrors } from '../../support/http/contract-errors.js'
import { anotherDevice, newPerson, sessionCookie } from '../../support/http/people.js'
import { asGateway, postForm, serviceSettings } from '../../support/http/services.js'
import { shiftableClock } from '../../support/http/shiftable-clock.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database, serviceSettings)
const introspect = async (token: string) => {
  const response = await postForm(app, '/introspect', { token })
  t.equal(response.statusCode, 200)
  t.equal(response.headers['cache-control'], 'no-store')
  return response.json()
}
const inactive = { active: false }

t.test('an access token shows its claims as long as a guard would accept it', async (t) => {
  const { client } = await newPerson(app, 'body')
  const claims = JSON.parse(Buffer.from(client.accessToken.split('.')[1] ?? '', 'base64url').toString())
  t.strictSame(await introspect(client.accessToken), { active: true, token_type: 'Bearer', ...claims })
  await client.send('POST', '/logout')
  t.strictSame(await introspect(client.accessToken), inactive)
})

t.test('an expired access token is inactive', async (t) => {
  const clock = shiftableClock()
  const later = await openService(t, database, serviceSettings, clock)
  const { client } = await newPerson(later, 'body')
  clock.shiftSeconds = 601
  t.strictSame((await postForm(later, '/introspect', { token: client.accessToken })).json(), inactive)
})

t.test('a refresh token shows its session, with the issuer as its audience', async (t) => {
  const { client } = await newPerson(app, 'body')
  const me = (await client.send('GET', '/me')).json()
  const shown = await introspect(client.refreshToken)
  t.match(shown, {
    active: true,
    token_type: 'refresh_token',
    iss: 'https://auth.test',
    aud: 'https://auth.test',
    sub: me.id,
    sid: client.sessionId,
    client_id: 'latchkey',
    amr: ['pwd'],
    roles: []
  })
  t.ok(shown.exp - shown.iat > 13 * 86_400 && shown.exp - shown.iat <= 14 * 86_400)
})

t.test('introspecting an old refresh token ends nothing', async (t) => {
  const { client } = await newPerson(app, 'body')
  const first = client.refreshToken
  for (let generation = 0; generation < 2; generation++) {
    await client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })
    await age(database, client.sessionId, 60)
  }
  t.strictSame(await introspect(first), inactive, 'two generations behind')
  t.match(await introspect(client.refreshToken), { active: true })
  const refreshed = await client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })
  t.equal(refreshed.statusCode, 200)
})

t.test('a refresh token past its end is inactive', async (t) => {
  const { client } = await newPerson(app, 'body')
  await age(database, client.sessionId, 15 * 86_400)
  t.strictSame(await introspect(client.refreshToken), inactive)
})

t.test('a session token shows its session until it ends', async (t) => {
  const person = await newPerson(app, 'session')
  const token = person.client.cookies.get(sessionCookie) ?? ''
  t.match(await introspect(token), { active: true, token_type: 'session_token', sid: person.client.sessionId })
  const { client } = await anotherDevice(app, person)
  await client.send('DELETE', `/sessions/${person.client.sessionId}`)
  t.strictSame(await introspect(token), inactive)
})

t.test('everything else is inactive, without a reason', async (t) => {
  const { client } = await newPerson(app, 'body')
  const flipped = client.refreshToken.slice(0, -2) + (client.refreshToken.endsWith('AA') ? 'BB' : 'AA')
  const tokens = [
    'x',
    flipped,
    'lk_rt_',
    'lk_st_',
    `lk_st_${client.refreshToken.slice(6)}`,
    `${client.accessToken}x`,
    '\0',
    '🔑'
  ]
  for (const token of tokens) t.strictSame(await introspect(token), inactive, JSON.stringify(token))
})

t.test('token_type_hint is optional, and a wrong hint does no harm', async (t) => {
  const { client } = await newPerson(app, 'body')
  for (const token_type_hint of ['access_token', 'refresh_token', 'anything']) {
    const response = await postForm(app, '/introspect', { token: client.refreshToken, token_type_hint })
    t.match(response.json(), { active: true })
  }
})

t.test('an invalid form is refused', async (t) => {
  expectFieldErrors(t, await postForm(app, '/introspect', {}), ['token'])
  expectFieldErrors(t, await postForm(app, '/introspect', 'token=a&token=b'), ['token'])
  expectFieldErrors(t, await postForm(app, '/introspect', 'token=a&__proto__=b&__proto__=c'), ['__proto__'])
})

t.test('only forms are accepted', async (t) => {
  const headers = { ...asGateway, 'content-type': 'application/json' }
  const response = await app.inject({ method: 'POST', url: '/introspect', headers, payload: { token: 'x' } })
  t.match(response.json(), { status: 415, code: 'unsupported_media_type' })
  const large = await postForm(app, '/introspect', { token: 'x'.repeat(17_000) })
  t.match(large.json(), { status: 413, code: 'body_too_large' })
})
