import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import type { Environment } from '../../../src/config/read-config.js'
import { age, openTestDatabase, sql } from '../../support/database.js'
import { BrowserJar, type Site } from '../../support/http/browser-jar.js'
import { newEmail } from '../../support/http/people.js'
import { goodPassword, openService } from '../../support/service.js'

/** The cookies of a session that began under another name: before an upgrade, or under another COOKIE_NAME_SUFFIX. */
const database = await openTestDatabase(t, { kind: 'embedded' })
const ISSUER = 'https://example.test/auth'
const siteWith = async (t: Test, environment: Environment = {}): Promise<Site> => ({
  app: await openService(t, database, { ISSUER, ...environment }),
  prefix: ''
})
/** Sets the names that every version before this one did. */
const before = await siteWith(t, { COOKIE_NAME_SUFFIX: 'none' })
const now = await siteWith(t)
/** A service with the same root secret and a database of its own. */
const twin: Site = {
  app: await openService(t, await openTestDatabase(t, { kind: 'embedded' }), { COOKIE_NAME_SUFFIX: 'none' }),
  prefix: ''
}

const suffix = '_203a8ab0'
const [bareRefresh, ownRefresh] = ['__Host-refresh_token', `__Host-refresh_token${suffix}`]
const [bareSession, ownSession] = ['__Host-session', `__Host-session${suffix}`]
const names = { cookie: [bareRefresh, ownRefresh], session: [bareSession, ownSession] } as const

const gone = 'Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure'
const setNames = ({ cookies }: LightMyRequestResponse) => cookies.map(({ name }) => name)
const setCookies = ({ headers }: LightMyRequestResponse) => [headers['set-cookie'] ?? []].flat()
const bearer = (response: LightMyRequestResponse) => ({ authorization: `Bearer ${response.json().access_token}` })
const endOf = async (sid: string) =>
  (
    await sql<{ reason: string }>(
      database,
      `SELECT reason FROM event WHERE session_id = $1::uuid AND type = 'session_ended' ORDER BY id DESC LIMIT 1`,
      sid
    )
  )[0]?.reason

async function browserAt(site: Site, mode: 'cookie' | 'session' = 'cookie') {
  const jar = new BrowserJar()
  const email = newEmail()
  const response = await jar.signIn(site, '/register', email, mode)
  const sid: string = response.json().session_id
  return { jar, email, sid, response }
}

/** The status of a request with the session of the mode. */
const use = (jar: BrowserJar, site: Site, mode: 'cookie' | 'session' = 'cookie') =>
  mode === 'cookie' ? jar.send(site, 'POST', '/refresh') : jar.send(site, 'GET', '/me')

t.test('new cookies of all kinds have the suffix', async (t) => {
  const { jar } = await browserAt(now)
  t.strictSame(jar.names, [`__Host-device${suffix}`, ownRefresh])
  t.strictSame((await browserAt(now, 'session')).jar.names, [`__Host-device${suffix}`, ownSession])
  t.strictSame(setNames(await jar.send(now, 'POST', '/logout')), [ownRefresh, ownSession])
  t.strictSame(jar.names, [`__Host-device${suffix}`], 'a logout keeps the device cookie')
  t.equal((await now.app.inject('/openapi.json')).json().components.securitySchemes.session.name, ownSession)
})

t.test('with the longest suffix and all attributes a header is shorter than 300 bytes', async (t) => {
  const site = await siteWith(t, {
    COOKIE_NAME_SUFFIX: 'x'.repeat(16),
    COOKIE_SAME_SITE: 'none',
    REFRESH_IDLE_TTL_SECONDS: String(400 * 86_400),
    REFRESH_ABSOLUTE_TTL_SECONDS: String(400 * 86_400)
  })
  for (const mode of ['cookie', 'session'] as const) {
    const { jar, response } = await browserAt(site, mode)
    const headers = [...setCookies(response), ...setCookies(await jar.send(site, 'POST', '/logout'))]
    t.equal(headers.length, 4)
    for (const header of headers) t.ok(`set-cookie: ${header}\r\n`.length < 300, `${header.length}: ${header}`)
    t.match(headers[0], /^__Host-\w+_x{16}=lk_[rs]t_[\w-]+; Max-Age=34560000; .*; Partitioned; SameSite=None$/)
  }
})

t.test('a session that began under the bare name keeps it over refreshes and loses it with its end', async (t) => {
  const { jar, sid } = await browserAt(before)
  for (const site of [now, before, now]) {
    await age(database, sid, 60)
    const token = jar.value(bareRefresh)
    const response = await use(jar, site)
    t.equal(response.statusCode, 200)
    t.strictSame(setNames(response), [bareRefresh], 'old and new instances serve it side by side')
    t.not(jar.value(bareRefresh), token)
  }
  t.equal((await jar.send(now, 'POST', '/logout')).statusCode, 204)
  t.equal(await endOf(sid), 'logged_out')
  t.strictSame(jar.names, ['__Host-device'])
})

t.test('a server-side session that began under the bare name keeps it', async (t) => {
  const { jar, sid } = await browserAt(before, 'session')
  for (const site of [now, before]) t.match((await use(jar, site, 'session')).json(), { session_id: sid })
  t.equal((await jar.send(now, 'POST', '/logout')).statusCode, 204)
  t.strictSame(jar.names, ['__Host-device'])
})

for (const mode of ['cookie', 'session'] as const) {
  const [bare, own] = names[mode]

  t.test(`a login in ${mode} mode replaces a session of the bare name by one with the suffix`, async (t) => {
    const { jar, email, sid } = await browserAt(before, mode)
    const response = await jar.signIn(now, '/login', email, mode)
    t.equal(await endOf(sid), 'replaced')
    t.strictSame(setCookies(response)[0], `${bare}=; ${gone}; SameSite=Strict`)
    t.strictSame(jar.names, ['__Host-device', `__Host-device${suffix}`, own].sort())
    t.equal((await use(jar, now, mode)).statusCode, 200)
  })

  t.test(`a login with a wrong password in ${mode} mode leaves the session of the bare name alone`, async (t) => {
    const { jar, email } = await browserAt(before, mode)
    const payload = { email, password: 'a wrong password', mode }
    t.strictSame(setNames(await jar.send(now, 'POST', '/login', { payload })), [])
    t.equal((await use(jar, now, mode)).statusCode, 200)
  })

  for (const [path, members] of [
    ['/password', { current_password: goodPassword, new_password: 'another good password' }],
    ['/reauthenticate', { password: goodPassword }]
  ] as const) {
    t.test(`POST ${path} in ${mode} mode replaces a session of the bare name by one with the suffix`, async (t) => {
      const { jar, sid, response: first } = await browserAt(before, mode)
      const headers = mode === 'cookie' ? bearer(first) : {}
      const response = await jar.send(now, 'POST', path, { payload: members, headers })
      t.equal(response.statusCode, 200)
      t.equal(await endOf(sid), 'replaced')
      t.strictSame(setNames(response), [bare, own])
      t.strictSame(jar.names, ['__Host-device', own])
      t.equal((await use(jar, now, mode)).statusCode, 200)
    })
  }

  t.test(`DELETE /me in ${mode} mode clears the cookie of the bare name`, async (t) => {
    const { jar, response: first } = await browserAt(before, mode)
    const headers = mode === 'cookie' ? bearer(first) : {}
    const response = await jar.send(now, 'DELETE', '/me', { payload: { password: goodPassword }, headers })
    t.equal(response.statusCode, 204)
    t.strictSame(jar.names, ['__Host-device'])
  })

  t.test(`a cookie with the suffix in ${mode} mode counts before one of the bare name`, async (t) => {
    const person = await browserAt(before, mode)
    const { jar, sid } = await browserAt(now, mode)
    jar.cookies.set(bare, `${bare}=${person.jar.value(bare)}`)
    const response = await use(jar, now, mode)
    t.match(response.json(), { session_id: sid })
    t.strictSame(setNames(response), mode === 'cookie' ? [own] : [])
    t.equal((await jar.send(now, 'POST', '/logout')).statusCode, 204)
    t.equal(await endOf(sid), 'logged_out')
    t.equal(await endOf(person.sid), 'logged_out', 'or the browser would go on in this session')
    t.strictSame(jar.names, [`__Host-device${suffix}`])
  })

  t.test(`foreign cookies of the bare name in ${mode} mode are no credential and make nothing ambiguous`, async (t) => {
    for (const foreign of ['of another service', '', '"x"', `${(await browserAt(before, mode)).jar.value(bare)}x`]) {
      const { jar, email, sid } = await browserAt(before, mode)
      jar.cookies.set(`${bare} partitioned`, `${bare}=${foreign}`)
      t.match((await use(jar, now, mode)).json(), { session_id: sid }, 'beside one of the bare name')
      t.equal((await jar.signIn(now, '/login', email, mode)).statusCode, 200)
      t.equal((await use(jar, now, mode)).statusCode, 200, 'beside one with the suffix')
      t.equal((await jar.send(now, 'POST', '/logout')).statusCode, 204)
      t.equal(jar.cookies.get(`${bare} partitioned`), `${bare}=${foreign}`, 'it stays')

      const alone = new BrowserJar()
      alone.cookies.set(bare, `${bare}=${foreign}`)
      t.match((await use(alone, now, mode)).json(), { code: 'missing_credentials' })
      t.equal((await alone.send(now, 'POST', '/logout')).statusCode, 204)
      t.strictSame(alone.names, [bare])
    }
  })

  t.test(`a service with the same root secret keeps its session of the bare name in ${mode} mode`, async (t) => {
    const { jar, sid } = await browserAt(twin, mode)
    const stays = async (label: string) => t.match((await use(jar, twin, mode)).json(), { session_id: sid }, label)
    t.equal((await use(jar, now, mode)).statusCode, 401)
    await stays('a request here')
    const email = newEmail()
    const registered = await jar.signIn(now, '/register', email, mode)
    t.equal(registered.statusCode, 201)
    await stays('a registration here')
    t.equal((await jar.signIn(now, '/login', email, mode)).statusCode, 200)
    await stays('a login here')
    t.match((await use(jar, now, mode)).statusCode, 200)
    t.equal((await jar.send(now, 'POST', '/logout')).statusCode, 204)
    await stays('a logout here')
    t.equal((await use(jar, now, mode)).statusCode, 401)
    await stays('a request after the logout')
  })

  t.test(`two genuine cookies of the bare name in ${mode} mode are refused and cleared`, async (t) => {
    const { jar, sid } = await browserAt(before, mode)
    const other = await browserAt(before, mode)
    jar.cookies.set(`${bare} partitioned`, `${bare}=${other.jar.value(bare)}`)
    const response = await use(jar, now, mode)
    t.match(response.json(), { code: 'ambiguous_credentials', detail: `Two cookies are named ${bare}.` })
    t.strictSame(jar.names, ['__Host-device'])
    t.equal(await endOf(sid), undefined)
  })
}

t.test('a refresh that is refused for good clears the bare cookie only if its session ended here', async (t) => {
  const { jar, sid } = await browserAt(before)
  const { response, jar: elsewhere } = await browserAt(before)
  await elsewhere.send(before, 'DELETE', `/sessions/${response.json().session_id}`, { headers: bearer(response) })
  t.match((await use(elsewhere, now)).json(), { code: 'session_ended' })
  t.strictSame(elsewhere.names, ['__Host-device'])

  await sql(database, 'DELETE FROM session WHERE id = $1::uuid', sid)
  t.match((await use(jar, now)).json(), { code: 'missing_credentials' })
  t.strictSame(jar.names, ['__Host-device', bareRefresh], "it may be another service's with our root secret")
})

t.test('a refresh whose session was replaced leaves the bare cookie alone', async (t) => {
  const { jar, email } = await browserAt(before)
  const older = jar.value(bareRefresh)
  await jar.signIn(before, '/login', email)
  const late = new BrowserJar()
  late.cookies.set(bareRefresh, `${bareRefresh}=${older}`)
  t.match((await use(late, now)).json(), { code: 'session_ended', reason: 'replaced' })
  t.strictSame(late.names, [bareRefresh])
})

t.test('a refresh token in the body beside a cookie of another service is not ambiguous', async (t) => {
  const inBody = (await new BrowserJar().signIn(now, '/register', newEmail(), 'body')).json()
  const payload = { refresh_token: inBody.refresh_token }
  const { jar: ofTwin } = await browserAt(twin)
  for (const name of [bareRefresh, ownRefresh]) {
    const jar = new BrowserJar()
    jar.cookies.set(name, `${name}=of another service`)
    t.equal((await jar.send(now, 'POST', '/refresh', { payload })).statusCode, 200, name)
    t.strictSame(jar.names, [name])
  }
  t.equal((await ofTwin.send(now, 'POST', '/refresh', { payload })).statusCode, 200)
  const { jar: ours } = await browserAt(before)
  t.match((await ours.send(now, 'POST', '/refresh', { payload })).json(), { code: 'ambiguous_credentials' })
  t.match((await ours.send(now, 'POST', '/logout', { payload })).json(), { code: 'ambiguous_credentials' })
  t.equal((await ofTwin.send(now, 'POST', '/logout', { payload })).statusCode, 204)
  t.equal(await endOf(inBody.session_id), 'logged_out')
  t.ok(ofTwin.names.includes(bareRefresh))
})

t.test('another site’s page cannot act with a bare cookie, and foreign ones do not matter', async (t) => {
  const headers = { 'sec-fetch-site': 'same-site', origin: 'https://evil.example.test' }
  const { jar } = await browserAt(before)
  for (const path of ['/refresh', '/logout']) {
    t.match((await jar.send(now, 'POST', path, { headers })).json(), { code: 'forbidden_origin' }, path)
  }
  const { jar: server } = await browserAt(before, 'session')
  t.match((await server.send(now, 'DELETE', '/sessions', { headers })).json(), { code: 'forbidden_origin' })
  t.equal((await use(jar, now)).statusCode, 200)
  const foreign = new BrowserJar()
  foreign.cookies.set(bareRefresh, `${bareRefresh}=of another service`)
  t.match((await foreign.send(now, 'POST', '/refresh', { headers })).json(), { code: 'missing_credentials' })
})

t.test('a device cookie of the bare name still proves the device, and stays', async (t) => {
  const limited = await siteWith(t, { RATE_LIMIT_ENABLED: 'true' })
  const { jar, email } = await browserAt(before)
  for (let guess = 0; guess < 30; guess += 1) {
    const payload = { email, password: 'a wrong password' }
    await limited.app.inject({ method: 'POST', url: '/login', payload, remoteAddress: `10.0.${guess}.1` })
  }
  t.equal((await new BrowserJar().signIn(limited, '/login', email)).statusCode, 429, 'an unknown device waits')
  t.equal((await jar.signIn(limited, '/login', email)).statusCode, 200)
  t.ok(jar.names.includes('__Host-device') && jar.names.includes(`__Host-device${suffix}`))
})

t.test('instances with none and auto serve each other’s sessions, in each direction', async (t) => {
  for (const mode of ['cookie', 'session'] as const) {
    for (const [first, second] of [
      [before, now],
      [now, before]
    ] as const) {
      const { jar, email, sid } = await browserAt(first, mode)
      const name = jar.names.filter((found) => !found.includes('device'))
      for (const site of [second, first, second]) {
        if (mode === 'cookie') await age(database, sid, 60)
        t.match((await use(jar, site, mode)).json(), { session_id: sid })
        t.strictSame(
          jar.names.filter((found) => !found.includes('device')),
          name
        )
      }
      t.equal((await jar.signIn(second, '/login', email, mode)).statusCode, 200)
      t.equal(await endOf(sid), 'replaced')
      for (const site of [first, second, first]) t.equal((await use(jar, site, mode)).statusCode, 200)
      t.equal((await jar.send(first, 'POST', '/logout')).statusCode, 204)
      for (const site of [first, second]) t.equal((await use(jar, site, mode)).statusCode, 401)
    }
  }
})

t.test('without the prefix, the bare name is treated in the same way', async (t) => {
  const plain = { COOKIE_SECURE: 'false', ISSUER: 'http://localhost:3001' }
  const [old, current] = [await siteWith(t, { ...plain, COOKIE_NAME_SUFFIX: 'none' }), await siteWith(t, plain)]
  const { jar, email, sid } = await browserAt(old)
  t.match((await use(jar, current)).json(), { session_id: sid })
  await jar.signIn(current, '/login', email)
  t.strictSame(jar.names, ['device', 'device_a20c2562', 'refresh_token_a20c2562'])
})

t.test('a cookie whose name begins with a Unicode space is none of ours, with and without the suffix', async (t) => {
  const { jar } = await browserAt(now)
  const { jar: old } = await browserAt(before)
  for (const [name, value] of [
    [ownRefresh, jar.value(ownRefresh)],
    [bareRefresh, old.value(bareRefresh)]
  ]) {
    for (const space of ['\u00a0', '\u0085', '\v', '\f']) {
      const headers = { cookie: `${space}${name}=${value}` }
      const response = await now.app.inject({ method: 'POST', url: '/refresh', headers })
      t.match(response.json(), { code: 'missing_credentials' }, JSON.stringify(space))
    }
  }
})
