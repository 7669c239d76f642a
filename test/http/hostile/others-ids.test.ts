import t, { type Test } from 'tap'
import { openTestDatabase, sql } from '../../support/database.js'
import { userIdOf } from '../../support/http/admin.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { anotherDevice, newPerson } from '../../support/http/people.js'
import { portOf, problemOf, rawRequest, sendRaw } from '../../support/http/raw-socket.js'
import { asGateway, serviceSettings } from '../../support/http/services.js'
import { operationsOf, specificationOf } from '../../support/http/specification.js'
import { processTestMilliseconds } from '../../support/processes/process.js'
import { type Client, goodPassword, openService } from '../../support/service.js'

/**
 * Requests with ids of other users' sessions and accounts, and guarded routes by other spellings of their addresses.
 */
t.setTimeout(processTestMilliseconds)

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database, serviceSettings)
const port = await portOf(app)
const operations = operationsOf(await specificationOf(app))

const here = await newPerson(app, 'body')
const serverSide = (await anotherDevice(app, here, 'session')).client
const stranger = await newPerson(app, 'cookie', 'kept name')
const strangerId = await userIdOf(stranger.client)

/** Everything stored about the other user. */
const stored = () =>
  sql(
    database,
    `SELECT row_to_json(u) AS "user",
       (SELECT json_agg(s ORDER BY s.id) FROM session s WHERE s.user_id = u.id) AS sessions,
       (SELECT json_agg(e ORDER BY e.id) FROM event e WHERE e.user_id = u.id OR e.session_id = $2::uuid) AS events
     FROM "user" u WHERE u.id = $1::uuid`,
    strangerId,
    stranger.client.sessionId
  )
const before = await stored()

/** A body that would be valid for one's own session or account. */
const payload = {
  device: 'mine',
  reason: 'mine',
  disabled: true,
  roles: ['admin'],
  confirm: 'revoke-all',
  deliver: 'link',
  password: goodPassword
}

for (const { path, method, name } of operations.filter(({ path }) => path.includes('{'))) {
  for (const [kind, client] of Object.entries({ 'an access token': here.client, 'a session cookie': serverSide })) {
    t.test(`${name} with another user's id, by ${kind}`, async (t) => {
      for (const id of [stranger.client.sessionId, strangerId]) {
        const response = await client.send(method.toUpperCase() as 'GET', path.replace(/\{\w+\}/g, id), {
          headers: { host: 'auth.test', 'sec-fetch-site': 'same-origin' },
          ...(method !== 'get' && { payload })
        })
        expectProblem(t, response, path.startsWith('/admin') ? 'insufficient_scope' : 'not_found')
      }
      t.strictSame(await stored(), before, 'untouched')
    })
  }
}

t.test("no body or query of one's own routes can name another user's session", async (t) => {
  const ids = { id: stranger.client.sessionId, session_id: stranger.client.sessionId, sid: stranger.client.sessionId }
  const named = { ...ids, user_id: strangerId, userId: strangerId, email: stranger.email }
  const query = new URLSearchParams(named).toString()
  const send = (client: Client, method: 'POST' | 'DELETE' | 'PATCH', url: string, more: object = {}) =>
    client.send(method, url, { payload: { ...named, ...more } })

  t.equal((await send(here.client, 'DELETE', `/sessions?${query}`)).statusCode, 400)
  t.equal((await send(here.client, 'DELETE', '/sessions')).statusCode, 200)
  t.equal((await send(here.client, 'PATCH', `/sessions/${here.client.sessionId}`, { device: 'mine' })).statusCode, 200)
  t.equal((await send(here.client, 'DELETE', `/me?${query}`, { password: 'a wrong password' })).statusCode, 401)
  t.equal((await send(here.client, 'POST', '/refresh', { refresh_token: here.client.refreshToken })).statusCode, 200)
  t.equal((await send(here.client, 'POST', '/logout')).statusCode, 204)
  t.strictSame(await stored(), before, 'untouched')
  t.equal((await stranger.client.send('GET', '/me')).statusCode, 200)
})

/** Spellings of an address that some proxy, router or file system treats as the plain one. */
const spellings = (path: string): readonly string[] => {
  const [, first = '', ...rest] = path.split('/')
  const tail = rest.length === 0 ? '' : `/${rest.join('/')}`
  return [
    `/${path}`,
    `//${first}${tail}`,
    `/.${path}`,
    `/./${first}${tail}`,
    `/healthz/..${path}`,
    `/healthz/..;${path}`,
    `/docs/%2e%2e${path}`,
    `/%2e${path}`,
    `/..%2f${first}${tail}`,
    `/%2f${first}${tail}`,
    `/${first};x${tail}`,
    `/${first};jsessionid=1${tail}`,
    `/${first}%3b${tail}`,
    `/${first}%00${tail}`,
    `/${first}%20${tail}`,
    `/${first}%09${tail}`,
    `/${first}.json${tail}`,
    `/${first}.${tail}`,
    `/${first}/${tail}`,
    `/${first}\\${tail}`,
    `/${first}%5c${tail}`,
    `/${first.toUpperCase()}${tail}`,
    `/${first.slice(0, -1)}%${(first.charCodeAt(first.length - 1)).toString(16)}${tail}`,
    `/${first.slice(0, -1)}%25${(first.charCodeAt(first.length - 1)).toString(16)}${tail}`,
    `${path}/`,
    `${path}//`,
    `${path}/.`,
    `${path};x`,
    `${path}%2f`,
    `${path}..;/`,
    `${path}?x=/healthz`,
    `${path}#/healthz`,
    `http://auth.test${path}`,
    `http://evil.test${path}`
  ]
}

/** Headers that make some frameworks and proxies use another method or address. */
const overrides: readonly (readonly string[])[] = [
  ['x-http-method-override: GET'],
  ['x-http-method: DELETE', 'x-method-override: DELETE'],
  ['x-original-url: /healthz', 'x-rewrite-url: /healthz', 'x-forwarded-prefix: /healthz'],
  ['x-forwarded-for: 127.0.0.1', 'x-real-ip: 127.0.0.1', 'forwarded: for=127.0.0.1'],
  ['x-middleware-subrequest: middleware'],
  ['connection: close, authorization'],
  ['x-user: admin', 'x-roles: admin', 'x-forwarded-user: admin']
]

/**
 * The guarded routes, one per address: the router finds the address before the method. POST /token has its own errors, and
 * tests of its own.
 */
const guarded = operations.filter(
  ({ operation, path }, index) =>
    operation.security !== undefined &&
    path !== '/token' &&
    operations.findIndex((other) => other.path === path) === index
)

/** Whether a response is a problem that grants no access, whichever server sent it. */
async function expectShut(t: Test, request: string): Promise<void> {
  const response = await sendRaw(port, request)
  const line = request.slice(0, request.indexOf('\r\n'))
  if (![400, 401, 403, 404, 405].includes(response.status)) t.fail(`${line} is ${response.status}`)
  if (problemOf(response).status !== response.status) t.fail(`${line} is answered without a problem`)
}

t.test('no spelling or override header opens a guarded route without a credential', async (t) => {
  const id = stranger.client.sessionId
  for (const { path, method } of guarded) {
    const address = path.replace(/\{\w+\}/g, id)
    const requests = [
      ...spellings(address).map((spelling) => rawRequest(`${method.toUpperCase()} ${spelling}`)),
      ...overrides.map((headers) => rawRequest(`${method.toUpperCase()} ${address}`, headers))
    ]
    await Promise.all(requests.map((request) => expectShut(t, request)))
  }
  t.strictSame(await stored(), before, `${guarded.length} routes`)
})

t.test('no spelling or override header opens an admin route to a user without the role', async (t) => {
  const { client } = await newPerson(app, 'body')
  const bearer = `authorization: Bearer ${client.accessToken}`
  for (const { path, method } of guarded.filter(({ path }) => path.startsWith('/admin'))) {
    const address = path.replace(/\{\w+\}/g, strangerId)
    const line = `${method.toUpperCase()} ${address}`
    const requests = [
      ...spellings(address).map((spelling) => rawRequest(`${method.toUpperCase()} ${spelling}`, [bearer])),
      ...overrides.map((headers) => rawRequest(line, [bearer, ...headers])),
      rawRequest(line, [bearer, `authorization: ${asGateway.authorization}`])
    ]
    await Promise.all(requests.map((request) => expectShut(t, request)))
  }
  t.strictSame(await stored(), before)
})

t.test('a GET with a method override header changes nothing', async (t) => {
  const { client } = await newPerson(app, 'body')
  const bearer = `authorization: Bearer ${client.accessToken}`
  for (const header of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
    for (const path of ['/sessions', '/me']) {
      const response = await sendRaw(port, rawRequest(`GET ${path}?_method=DELETE`, [bearer, `${header}: DELETE`]))
      t.equal(response.status, 200, `${header} on ${path}`)
    }
  }
  t.equal((await client.send('GET', '/me')).statusCode, 200)
})
