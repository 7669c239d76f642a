import t from 'tap'
import type { Environment } from '../../../src/config/read-config.js'
import type { Mode } from '../../../src/core/vocabulary.js'
import { age, openTestDatabase } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { newEmail, newPerson, refreshCookie, sessionCookie } from '../../support/http/people.js'
import { Client, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)

/** The Set-Cookie headers of a sign-in, without the values: the credential's cookie and the device's. */
async function headersOf(environment: Environment, mode: Mode): Promise<readonly string[]> {
  const service = await openService(t, database, environment)
  const headers = [(await new Client(service).signIn(newEmail(), { mode })).headers['set-cookie'] ?? []].flat()
  for (const header of headers) t.ok(header.length < 300, 'is shorter than 300 bytes')
  return headers.map((header) => header.replace(/=lk_[rsd]t_[\w-]+/, '=…'))
}

const headerOf = async (environment: Environment, mode: 'cookie' | 'session') => (await headersOf(environment, mode))[0]

t.test('the refresh cookie has every protection and expires with the idle end of the session', async (t) => {
  const header = await headerOf({}, 'cookie')
  t.equal(header, '__Host-refresh_token=…; Max-Age=1209600; Path=/; HttpOnly; Secure; SameSite=Strict')
})

t.test('the session cookie has every protection and expires with the absolute end', async (t) => {
  const header = await headerOf({}, 'session')
  t.equal(header, '__Host-session=…; Max-Age=7776000; Path=/; HttpOnly; Secure; SameSite=Strict')
})

t.test('COOKIE_SECURE=false removes the prefix and the Secure flag, and nothing else', async (t) => {
  const plain = { COOKIE_SECURE: 'false' }
  t.equal(await headerOf(plain, 'cookie'), 'refresh_token=…; Max-Age=1209600; Path=/; HttpOnly; SameSite=Strict')
  t.equal(await headerOf(plain, 'session'), 'session=…; Max-Age=7776000; Path=/; HttpOnly; SameSite=Strict')
})

t.test('COOKIE_SAME_SITE sets the attribute, and cookies for other sites are partitioned', async (t) => {
  t.equal(
    await headerOf({ COOKIE_SAME_SITE: 'none' }, 'cookie'),
    '__Host-refresh_token=…; Max-Age=1209600; Path=/; HttpOnly; Secure; Partitioned; SameSite=None'
  )
  t.equal(
    await headerOf({ COOKIE_SAME_SITE: 'lax' }, 'cookie'),
    '__Host-refresh_token=…; Max-Age=1209600; Path=/; HttpOnly; Secure; SameSite=Lax'
  )
})

t.test('the device cookie lives for 400 days with the same protections, in every mode but body', async (t) => {
  const device = '__Host-device=…; Max-Age=34560000; Path=/; HttpOnly; Secure; SameSite=Strict'
  for (const mode of ['cookie', 'session', 'access'] as const) {
    const headers = await headersOf({}, mode)
    t.equal(headers.at(-1), device, mode)
    t.equal(headers.length, mode === 'access' ? 1 : 2, mode)
  }
  t.strictSame(await headersOf({}, 'body'), [])
  t.equal(
    (await headersOf({ COOKIE_SAME_SITE: 'none' }, 'cookie'))[1],
    '__Host-device=…; Max-Age=34560000; Path=/; HttpOnly; Secure; Partitioned; SameSite=None'
  )
  t.equal(
    (await headersOf({ COOKIE_SECURE: 'false' }, 'cookie'))[1],
    'device=…; Max-Age=34560000; Path=/; HttpOnly; SameSite=Strict'
  )
})

t.test('the cookie of a session near its absolute end expires with it', async (t) => {
  const short = await openService(t, database, {
    REFRESH_ABSOLUTE_TTL_SECONDS: '1000',
    REFRESH_IDLE_TTL_SECONDS: '900'
  })
  const { client } = await newPerson(short)
  await age(database, client.sessionId, 600)
  const [cookie] = (await client.send('POST', '/refresh')).cookies
  t.ok(cookie?.maxAge !== undefined && cookie.maxAge > 370 && cookie.maxAge <= 400, `${cookie?.maxAge} s`)
})

t.test('a refresh that rotates sets the cookie again', async (t) => {
  const { client } = await newPerson(app)
  const before = client.cookies.get(refreshCookie)
  const header = String((await client.send('POST', '/refresh')).headers['set-cookie'])
  t.match(header, /^__Host-refresh_token=lk_rt_[\w-]+; Max-Age=1209600; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
  t.not(client.cookies.get(refreshCookie), before)
})

t.test('logout clears both cookies with the same attributes', async (t) => {
  const { client } = await newPerson(app)
  const headers = [(await client.send('POST', '/logout')).headers['set-cookie']].flat()
  t.strictSame(
    headers,
    [refreshCookie, sessionCookie].map(
      (name) => `${name}=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Strict`
    )
  )
})

t.test('a damaged cookie is refused with its own code and never causes a 500', async (t) => {
  const damaged = [
    '%',
    '%zz',
    '"',
    '{}',
    'lk_rt_',
    'lk_st_%00',
    'x'.repeat(5000),
    '\u00e9\u00ff',
    'a=b=c',
    '[object Object]'
  ]
  for (const value of damaged) {
    const refresh = { method: 'POST', url: '/refresh', headers: { cookie: `${refreshCookie}=${value}` } } as const
    expectProblem(t, await app.inject(refresh), 'invalid_refresh_token')
    const me = await app.inject({ url: '/me', headers: { cookie: `${sessionCookie}=${value}` } })
    expectProblem(t, me, 'invalid_token')
  }
  for (const cookie of ['', ';', '=', ';;=;', `${refreshCookie}`, `${refreshCookie}=`, `=${refreshCookie}`]) {
    expectProblem(t, await app.inject({ method: 'POST', url: '/refresh', headers: { cookie } }), 'missing_credentials')
  }
})

t.test('a cookie without the prefix is ignored if the prefix is required', async (t) => {
  const { client } = await newPerson(app)
  const token = client.cookies.get(refreshCookie)
  const tossed = { method: 'POST', url: '/refresh', headers: { cookie: `refresh_token=${token}` } } as const
  t.match((await app.inject(tossed)).json(), { code: 'missing_credentials' })
})
