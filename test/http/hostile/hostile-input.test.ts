import t from 'tap'
import { openTestDatabase, sql } from '../../support/database.js'
import { expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { newEmail, newPerson, refreshCookie, sessionCookie } from '../../support/http/people.js'
import { goodPassword, openService } from '../../support/service.js'

/** A value of another type in place of a string answers 400 with the field's name, and changes nothing. */
const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)
const { client } = await newPerson(app)

const nonStrings: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1e308,
  [],
  ['a'],
  {},
  { $ne: null },
  { $gt: '' },
  { not: 'x' },
  { contains: '' },
  { toString: 'x' },
  { length: 5 }
]

const fields = [
  ['POST', '/register', 'email'],
  ['POST', '/register', 'password'],
  ['POST', '/register', 'mode'],
  ['POST', '/register', 'device'],
  ['POST', '/login', 'email'],
  ['POST', '/login', 'password'],
  ['POST', '/login', 'mode'],
  ['POST', '/login', 'device'],
  ['POST', '/login', 'device_token'],
  ['POST', '/refresh', 'refresh_token'],
  ['POST', '/logout', 'refresh_token'],
  ['POST', '/password', 'current_password'],
  ['POST', '/password', 'new_password'],
  ['POST', '/reauthenticate', 'password'],
  ['DELETE', '/me', 'password'],
  ['PATCH', `/sessions/${client.sessionId}`, 'device']
] as const

/** A valid body for each of these routes. */
const goodBodies: Readonly<Record<string, object>> = {
  '/register': { email: newEmail(), password: goodPassword },
  '/login': { email: newEmail(), password: goodPassword },
  '/password': { current_password: goodPassword, new_password: 'another good password' },
  '/reauthenticate': { password: goodPassword },
  '/me': { password: goodPassword }
}

const counts = () =>
  sql(database, 'SELECT (SELECT count(*)::int FROM "user") AS users, (SELECT count(*)::int FROM session) AS sessions')

const before = await counts()

for (const [method, url, field] of fields) {
  t.test(`${method} ${url.replace(client.sessionId, ':id')}: ${field} must be a string`, async (t) => {
    for (const value of nonStrings) {
      const response = await client.send(method, url, { payload: { ...goodBodies[url], [field]: value } })
      expectFieldErrors(t, response, [field])
    }
    t.strictSame(await counts(), before)
  })
}

t.test('a body that is not an object is refused', async (t) => {
  const routes = new Map(fields.map(([method, url]) => [url, method]))
  for (const [url, method] of routes) {
    for (const payload of ['[]', '"text"', '1', 'true']) {
      const response = await client.send(method, url, { payload, headers: { 'content-type': 'application/json' } })
      expectFieldErrors(t, response, ['body'])
    }
  }
  t.equal((await client.send('GET', '/me')).statusCode, 200)
})

t.test('a null body counts as no body', async (t) => {
  const headers = { 'content-type': 'application/json' }
  const response = await app.inject({ method: 'POST', url: '/register', payload: 'null', headers })
  expectFieldErrors(t, response, ['email', 'password'])
})

t.test('__proto__ and constructor.prototype are refused', async (t) => {
  for (const payload of [
    '{"__proto__":{"email":"a@example.org","password":"correct horse battery staple"}}',
    '{"email":"a@example.org","password":"correct horse battery staple","__proto__":{"roles":["admin"]}}',
    '{"constructor":{"prototype":{"roles":["admin"]}},"email":"a@example.org","password":"x"}'
  ]) {
    for (const url of ['/register', '/login']) {
      const headers = { 'content-type': 'application/json' }
      const response = await app.inject({ method: 'POST', url, payload, headers })
      expectProblem(t, response, 'invalid_request', { detail: response.json().detail })
    }
  }
  t.notOk('roles' in {})
})

t.test('of a repeated member the last one counts, so repeating can only fail', async (t) => {
  const { email } = await newPerson(app)
  const payload = `{"email":"${email}","email":"nobody@example.org","password":"${goodPassword}"}`
  const headers = { 'content-type': 'application/json' }
  expectProblem(t, await app.inject({ method: 'POST', url: '/login', payload, headers }), 'invalid_credentials')
})

t.test('text that PostgreSQL cannot store, or that looks like SQL, is handled as text', async (t) => {
  for (const email of [
    "' OR '1'='1",
    '%@example.org',
    '_@example.org',
    'a\\@example.org',
    'a"@example.org',
    '\ud800@example.org'
  ]) {
    const response = await app.inject({ method: 'POST', url: '/login', payload: { email, password: goodPassword } })
    expectProblem(t, response, 'invalid_credentials')
  }
  for (const device of ["'; DROP TABLE session; --", '%', '\\', '🦊', '<script>']) {
    const response = await client.send('PATCH', `/sessions/${client.sessionId}`, { payload: { device } })
    t.equal(response.json().device, device)
  }
})

t.test('a lone surrogate, which UTF-8 cannot encode, never causes a 500', async (t) => {
  for (const payload of [
    { email: '\ud800@example.org', password: goodPassword },
    { email: newEmail(), password: goodPassword, device: 'a\udc00b' },
    { email: newEmail(), password: '\ud800\ud800 and enough' }
  ]) {
    const response = await app.inject({ method: 'POST', url: '/register', payload })
    t.ok(response.statusCode < 500, `${response.statusCode}`)
  }
})

t.test('a header that PostgreSQL cannot store never causes a 500', async (t) => {
  const headers = { 'user-agent': 'caf\u00e9 \u00ff' }
  const payload = { email: newEmail(), password: goodPassword }
  t.equal((await app.inject({ method: 'POST', url: '/register', headers, payload })).statusCode, 201)
})

t.test('a body above the limit answers 413 before it is parsed', async (t) => {
  const payload = { email: newEmail(), password: 'x'.repeat(1_000_000) }
  for (const url of ['/register', '/login']) {
    expectProblem(t, await app.inject({ method: 'POST', url, payload }), 'body_too_large')
  }
})

t.test('a damaged Cookie header bypasses no guard and causes no 500', async (t) => {
  const { client: serverSide } = await newPerson(app, 'session')
  const token = serverSide.cookies.get(sessionCookie) ?? ''
  const ask = (cookie: string, url = '/me') =>
    app.inject({ method: url === '/me' ? 'GET' : 'POST', url, headers: { cookie } })
  t.equal((await ask(`a=b; ${sessionCookie}=${token}`)).statusCode, 200, 'the positive control')
  for (const cookie of [
    ';',
    '=',
    ';=;=',
    '%',
    'a',
    '__proto__=x; constructor=y',
    sessionCookie,
    `${sessionCookie}=`,
    `${sessionCookie}="`,
    `${sessionCookie}=%`,
    `${sessionCookie}=%ff%fe`,
    `${sessionCookie}=${token}%00`,
    `${sessionCookie}=${token}\u00ff`,
    `${sessionCookie} =${token}`,
    `${sessionCookie}==${token}`,
    `${sessionCookie}=${encodeURIComponent(token)}=`,
    `${sessionCookie.toLowerCase()}=${token}`,
    `${sessionCookie},${refreshCookie}=${token}`,
    `$Version=1; ${sessionCookie}x=${token}`,
    `session=${token}`,
    `${refreshCookie}=${token}`,
    Array.from({ length: 2000 }, (_, i) => `c${i}=v`).join('; '),
    `${sessionCookie}=${'x'.repeat(50_000)}`
  ]) {
    for (const url of ['/me', '/refresh', '/logout']) {
      const { statusCode } = await ask(cookie, url)
      t.ok(
        statusCode < 500 && (url === '/logout' || statusCode >= 400),
        `${url}, ${cookie.slice(0, 60)}: ${statusCode}`
      )
    }
  }
  t.equal((await ask(`${sessionCookie}=${token}`)).statusCode, 200, 'no request ended the session')
})
