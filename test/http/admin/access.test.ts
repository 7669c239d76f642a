import t from 'tap'
import { age, openTestDatabase } from '../../support/database.js'
import { adminEmail, openAdminService, userIdOf } from '../../support/http/admin.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { newPerson, sessionCookie } from '../../support/http/people.js'
import { goodPassword } from '../../support/service.js'

const id = '00000000-0000-4000-8000-000000000000'
const adminRoutes = [
  ['GET', '/admin/users'],
  ['POST', '/admin/users'],
  ['GET', `/admin/users/${id}`],
  ['PATCH', `/admin/users/${id}`],
  ['DELETE', `/admin/users/${id}`],
  ['GET', `/admin/users/${id}/sessions`],
  ['POST', `/admin/users/${id}/password-reset`],
  ['DELETE', `/admin/users/${id}/sessions`],
  ['GET', '/admin/sessions'],
  ['DELETE', `/admin/sessions/${id}`],
  ['POST', '/admin/sessions/revoke-all'],
  ['GET', '/admin/events'],
  ['GET', '/admin/mails'],
  ['GET', '/admin/mails/status'],
  ['GET', '/admin/keys'],
  ['POST', '/admin/keys/rotate'],
  ['GET', '/admin/counts'],
  ['GET', '/admin/clients'],
  ['POST', '/admin/clients'],
  ['POST', `/admin/clients/${id}/secrets`],
  ['DELETE', `/admin/clients/${id}/secrets/${id}`],
  ['DELETE', `/admin/clients/${id}`]
] as const

/** Fits every POST. */
const goodBody = { confirm: 'revoke-all', deliver: 'link', email: 'invited@example.org', name: 'n', scopes: ['x'] }

const database = await openTestDatabase(t, { kind: 'embedded' })
const { app, admin } = await openAdminService(t, database)

t.test('this list of admin routes is complete', async (t) => {
  const { paths } = (await app.inject('/openapi.json')).json<{ paths: Record<string, object> }>()
  const served = Object.entries(paths)
    .filter(([path]) => path.startsWith('/admin'))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
  t.strictSame(
    served.sort(),
    adminRoutes.map(([method, url]) => `${method} ${url.replace(id, '{id}').replace(id, '{secret_id}')}`).sort()
  )
})

for (const [method, url] of adminRoutes) {
  const request = { method, url, payload: method === 'POST' ? goodBody : {} }

  t.test(`${method} ${url} is only for admins`, async (t) => {
    const { client } = await newPerson(app, 'body')
    expectProblem(t, await app.inject(request), 'missing_credentials')
    expectProblem(t, await app.inject({ ...request, headers: { authorization: 'Bearer x' } }), 'invalid_token')
    const bearer = { authorization: `Bearer ${client.accessToken}` }
    expectProblem(t, await app.inject({ ...request, headers: bearer }), 'insufficient_scope')
    const withRefreshToken = { authorization: `Bearer ${client.refreshToken}` }
    expectProblem(t, await app.inject({ ...request, headers: withRefreshToken }), 'invalid_token')
    t.equal((await client.send('GET', '/me')).statusCode, 200, 'the request changed nothing')
  })
}

t.test(
  '15 minutes after the login an admin can read, and change something only after confirming the password',
  async (t) => {
    const { client } = await newPerson(app, 'session')
    await admin.send('PATCH', `/admin/users/${await userIdOf(client)}`, { payload: { roles: ['admin'] } })
    await age(database, client.sessionId, 901)
    for (const [method, url] of adminRoutes) {
      const payload = method === 'POST' ? goodBody : {}
      const response = await client.send(method, url, method === 'GET' ? {} : { payload })
      if (method === 'GET') t.ok([200, 404].includes(response.statusCode), url)
      else expectProblem(t, response, 'insufficient_user_authentication')
    }
    const revokeAll = () => client.send('POST', '/admin/sessions/revoke-all', { payload: { confirm: 'revoke-all' } })
    t.equal((await client.send('POST', '/reauthenticate', { payload: { password: goodPassword } })).statusCode, 200)
    t.equal((await revokeAll()).statusCode, 200)
    await admin.signIn(adminEmail, { path: '/login', mode: 'body' })
  }
)

for (const url of [
  '//admin/users',
  '/admin//users',
  '/admin/users;x',
  '/admin;x/users',
  '/ADMIN/users',
  '/admin/users%2f'
]) {
  t.test(`${url} does not bypass the guard`, async (t) => {
    const { client } = await newPerson(app)
    t.ok([401, 403, 404].includes((await app.inject(url)).statusCode))
    t.ok([403, 404].includes((await client.send('GET', url)).statusCode))
  })
}

t.test("an admin's session cookie changes something only from pages of our own origin", async (t) => {
  const { client } = await newPerson(app, 'session')
  const adminId = (await client.send('GET', '/me')).json().id
  await admin.send('PATCH', `/admin/users/${adminId}`, { payload: { roles: ['admin'] } })
  const headers = { cookie: `${sessionCookie}=${client.cookies.get(sessionCookie)}`, host: 'auth.test' }
  for (const [method, url] of adminRoutes) {
    const foreign = { ...headers, origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }
    const payload = method === 'POST' ? goodBody : {}
    const response = await app.inject({ method, url, headers: foreign, ...(method !== 'GET' && { payload }) })
    if (method === 'GET') t.not(response.statusCode, 403, `${url} changes nothing`)
    else expectProblem(t, response, 'forbidden_origin')
  }
  const own = { ...headers, 'sec-fetch-site': 'same-origin' }
  expectProblem(t, await app.inject({ method: 'DELETE', url: `/admin/sessions/${id}`, headers: own }), 'not_found')
})
