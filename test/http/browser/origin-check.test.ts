import t from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { openAdminService } from '../../support/http/admin.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { copyOf, newEmail, newPerson } from '../../support/http/people.js'
import { type Client, goodPassword, openService } from '../../support/service.js'

interface Operation {
  readonly security?: readonly Record<string, unknown>[]
}

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)
const allowing = await openService(t, database, { ALLOWED_ORIGINS: 'https://app.test,capacitor://localhost' })

type Headers = Readonly<Record<string, string>>

/** The headers that a browser adds to a request to `auth.test`. */
const host = 'auth.test'
const ownOrigin = `http://${host}`
/** The headers of our own page behind a proxy that terminates TLS: the request itself looks like plain http. */
const issuerOrigin = `https://${host}`
const foreignOrigin = 'https://evil.test'

const accepted: readonly Headers[] = [
  {},
  { origin: ownOrigin },
  { origin: issuerOrigin },
  { 'sec-fetch-site': 'same-origin' },
  { 'sec-fetch-site': 'same-origin', origin: ownOrigin },
  { 'sec-fetch-site': 'none' }
]

const refused: readonly Headers[] = [
  { origin: foreignOrigin },
  { origin: 'null' },
  { origin: '' },
  { origin: `${ownOrigin}.evil.test` },
  { origin: `${ownOrigin}:8080` },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { 'sec-fetch-site': 'cross-site', origin: ownOrigin },
  { 'sec-fetch-site': 'same-site', origin: `https://sibling.${host}` },
  { 'sec-fetch-site': '' },
  { 'sec-fetch-site': 'Same-Origin' }
]

const refresh = (client: Client, headers: Headers) =>
  copyOf(client).send('POST', '/refresh', { headers: { host, ...headers } })

t.test(
  'POST /refresh with the cookie is accepted from our own pages and from programs that are not browsers',
  async (t) => {
    const { client } = await newPerson(app)
    for (const headers of accepted) t.equal((await refresh(client, headers)).statusCode, 200, JSON.stringify(headers))
  }
)

t.test('POST /refresh with the cookie is refused from every other origin, and the cookie stays', async (t) => {
  const { client } = await newPerson(app)
  for (const headers of refused) expectProblem(t, await refresh(client, headers), 'forbidden_origin')
  t.equal((await refresh(client, {})).statusCode, 200)
})

t.test('only exact matches of ALLOWED_ORIGINS are accepted', async (t) => {
  const { client } = await newPerson(allowing)
  for (const origin of ['https://app.test', 'capacitor://localhost', ownOrigin]) {
    t.equal((await refresh(client, { origin })).statusCode, 200, origin)
  }
  t.equal((await refresh(client, { origin: 'https://app.test', 'sec-fetch-site': 'cross-site' })).statusCode, 200)
  for (const origin of ['http://app.test', 'https://app.test.evil.test', 'https://app.test:444', 'https://APP.test']) {
    expectProblem(t, await refresh(client, { origin, 'sec-fetch-site': 'cross-site' }), 'forbidden_origin')
  }
})

const foreign = { host, origin: foreignOrigin, 'sec-fetch-site': 'cross-site' }

t.test('every request that acts with a cookie is refused from another origin', async (t) => {
  const { client: byCookie } = await newPerson(app)
  const { client: bySession } = await newPerson(app, 'session')
  expectProblem(t, await byCookie.send('POST', '/logout', { bearer: false, headers: foreign }), 'forbidden_origin')
  for (const [method, url] of [
    ['POST', '/logout'],
    ['POST', '/password'],
    ['POST', '/reauthenticate'],
    ['DELETE', '/me'],
    ['DELETE', '/sessions'],
    ['DELETE', `/sessions/${bySession.sessionId}`],
    ['PATCH', `/sessions/${bySession.sessionId}`]
  ] as const) {
    const payload = {
      device: 'd',
      password: goodPassword,
      current_password: goodPassword,
      new_password: 'a new password'
    }
    const response = await bySession.send(method, url, { headers: foreign, payload })
    expectProblem(t, response, 'forbidden_origin')
  }
  t.equal((await byCookie.send('POST', '/refresh')).statusCode, 200)
  t.equal((await bySession.send('GET', '/me')).statusCode, 200)
})

t.test('a login or registration from another origin cannot set its cookie in this browser', async (t) => {
  const { email } = await newPerson(app)
  for (const mode of ['cookie', 'session'] as const) {
    const login = { email, password: goodPassword, mode }
    expectProblem(
      t,
      await app.inject({ method: 'POST', url: '/login', payload: login, headers: foreign }),
      'forbidden_origin'
    )
    const registration = { ...login, email: newEmail() }
    const response = await app.inject({ method: 'POST', url: '/register', payload: registration, headers: foreign })
    expectProblem(t, response, 'forbidden_origin')
    t.equal(
      (await app.inject({ method: 'POST', url: '/login', payload: registration })).statusCode,
      401,
      'no account is created'
    )
  }
})

t.test('a password change or re-authentication from another origin cannot set its cookie here', async (t) => {
  const { client } = await newPerson(app)
  const payload = { password: goodPassword, current_password: goodPassword, new_password: 'another good password' }
  for (const url of ['/reauthenticate', '/password']) {
    client.cookies.clear()
    expectProblem(t, await client.send('POST', url, { headers: foreign, payload }), 'forbidden_origin')
    t.equal((await client.send('POST', url, { headers: { host, origin: ownOrigin }, payload })).statusCode, 200)
  }
})

t.test('requests without a cookie are accepted from any origin', async (t) => {
  const { client, email } = await newPerson(app, 'body')
  for (const mode of ['body', 'access'] as const) {
    const payload = { email, password: goodPassword, mode }
    t.equal((await app.inject({ method: 'POST', url: '/login', payload, headers: foreign })).statusCode, 200)
  }
  const payload = { refresh_token: client.refreshToken }
  t.equal((await client.send('POST', '/refresh', { payload, headers: foreign })).statusCode, 200)
  t.equal((await client.send('DELETE', '/sessions', { headers: foreign })).statusCode, 200)
  t.equal((await client.send('POST', '/logout', { headers: foreign })).statusCode, 204)
})

t.test('X-Forwarded-Host and X-Forwarded-Proto define our origin only if a trusted proxy sends them', async (t) => {
  const behindProxy = await openService(t, database, { TRUST_PROXY: '10.0.0.0/8', ISSUER: 'https://issuer.test' })
  const { client } = await newPerson(behindProxy)
  const headers = {
    host: 'internal:3000',
    origin: 'https://public.test',
    'x-forwarded-host': 'public.test',
    'x-forwarded-proto': 'https',
    cookie: [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }
  const from = (remoteAddress: string) =>
    behindProxy.inject({ method: 'POST', url: '/refresh', remoteAddress, headers })
  expectProblem(t, await from('192.0.2.1'), 'forbidden_origin')
  t.equal((await from('10.1.2.3')).statusCode, 200)
})

t.test('every route that changes something refuses other origins, even for an admin', async (t) => {
  const { app: service, admin } = await openAdminService(t, database)
  const { client } = await newPerson(service, 'session')
  const id = (await client.send('GET', '/me')).json().id
  await admin.send('PATCH', `/admin/users/${id}`, { payload: { roles: ['admin'] } })
  const bodies: Readonly<Record<string, object>> = {
    '/password': { current_password: goodPassword, new_password: 'another good password' },
    '/me': { password: goodPassword },
    '/reauthenticate': { password: goodPassword },
    '/email': { new_email: 'another@example.org' },
    '/sessions/{id}': { device: 'd' },
    '/admin/users': { email: 'invited@example.org' },
    '/admin/clients': { name: 'reports', scopes: ['reports:read'] },
    '/admin/users/{id}/password-reset': { deliver: 'link' },
    '/admin/sessions/revoke-all': { confirm: 'revoke-all' }
  }
  const { paths } = (await service.inject('/openapi.json')).json<{ paths: Record<string, Record<string, Operation>> }>()
  let asked = 0
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { security = [] }] of Object.entries(operations)) {
      if (method === 'get' || !security.some((schemes) => 'session' in schemes)) continue
      const url = path.replace(/\{\w+\}/g, path.includes('users') ? id : client.sessionId)
      const response = await client.send(method.toUpperCase() as 'POST', url, {
        headers: foreign,
        payload: bodies[path] ?? {}
      })
      expectProblem(t, response, 'forbidden_origin')
      asked += 1
    }
  }
  t.ok(asked >= 11, `${asked} routes`)
  t.match((await client.send('GET', '/me')).json(), { id, roles: ['admin'] }, 'nothing has changed')
})

t.test('no GET changes anything', async (t) => {
  const { client } = await newPerson(app, 'session')
  const before = await database.run((prisma) => prisma.session.findMany())
  for (const url of ['/me', '/sessions']) {
    t.equal((await client.send('GET', url, { headers: foreign })).statusCode, 200)
  }
  t.strictSame(await database.run((prisma) => prisma.session.findMany()), before)
})
