import type { LightMyRequestResponse } from 'fastify'
import t from 'tap'
import { httpPlugin } from '../../../src/http/plugin.js'
import { openTestDatabase, sql } from '../../support/database.js'
import { newHost, openPluginOptions } from '../../support/host.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { anotherDevice, newPerson, refreshCookie, sessionCookie } from '../../support/http/people.js'
import { type Client, goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database)
const detail = `Two cookies are named ${refreshCookie}.`

const gone = 'Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure'
const ownForm = (name: string) => `${name}=; ${gone}; SameSite=Strict`
const otherForm = (name: string) => `${name}=; ${gone}; Partitioned; SameSite=Strict`

const setCookies = ({ headers }: LightMyRequestResponse) => [headers['set-cookie'] ?? []].flat()
const tokenOf = ({ cookies }: Client, name = refreshCookie) => `${name}=${cookies.get(name)}`
const endOf = async (sid: string) =>
  (
    await sql<{ reason: string }>(
      database,
      `SELECT reason FROM event WHERE session_id = $1::uuid AND type = 'session_ended' ORDER BY id DESC LIMIT 1`,
      sid
    )
  )[0]?.reason

const refresh = (cookie: string, headers = {}) =>
  app.inject({ method: 'POST', url: '/refresh', headers: { cookie, ...headers } })
const login = (email: string, cookie: string, members = {}) =>
  app.inject({
    method: 'POST',
    url: '/login',
    payload: { email, password: goodPassword, ...members },
    headers: { cookie }
  })

t.test('if one of two cookies is ours, the other is cleared, and a retry succeeds', async (t) => {
  const { client } = await newPerson(app)
  const own = tokenOf(client)
  for (const tossed of ['tossed', '', '"x"', `${client.cookies.get(refreshCookie)}x`]) {
    for (const cookie of [`${own}; ${refreshCookie}=${tossed}`, `${refreshCookie}=${tossed}; ${own}`]) {
      const response = await refresh(cookie)
      expectProblem(t, response, 'ambiguous_credentials', { detail }, [refreshCookie])
      t.strictSame(setCookies(response), [otherForm(refreshCookie)])
    }
  }
  t.equal((await client.send('POST', '/refresh')).statusCode, 200)
})

t.test('if several cookies are ours, all are cleared, and the person can sign in again', async (t) => {
  const { client, email } = await newPerson(app)
  const { client: other } = await newPerson(app)
  for (const cookie of [`${tokenOf(client)}; ${tokenOf(other)}`, `${tokenOf(client)}; ${tokenOf(client)}`]) {
    const response = await refresh(cookie)
    expectProblem(t, response, 'ambiguous_credentials', { detail }, [refreshCookie, refreshCookie])
    t.strictSame(setCookies(response).sort(), [ownForm(refreshCookie), otherForm(refreshCookie)].sort())
  }
  t.equal((await login(email, '')).statusCode, 200)
})

t.test("if no cookie is ours, all stay, because they may be another service's", async (t) => {
  expectProblem(t, await refresh(`${refreshCookie}=a; ${refreshCookie}=b`), 'ambiguous_credentials', { detail })
})

t.test('two session cookies are treated in the same way, on our routes and on those of a host', async (t) => {
  const host = newHost(t)
  await host.register(httpPlugin, { ...(await openPluginOptions(t, database)), prefix: '/auth' })
  host.get('/own', { preHandler: host.latchkey.authenticate }, async () => 'own')
  const { client } = await newPerson(app, 'session')
  const own = tokenOf(client, sessionCookie)
  for (const [service, url] of [
    [app, '/me'],
    [host, '/own']
  ] as const) {
    const one = await service.inject({ url, headers: { cookie: `${own}; ${sessionCookie}=tossed` } })
    t.match(one.json(), { code: 'ambiguous_credentials' })
    t.strictSame(setCookies(one), [otherForm(sessionCookie)])
    const both = await service.inject({ url, headers: { cookie: `${own}; ${own}` } })
    t.strictSame(setCookies(both).sort(), [ownForm(sessionCookie), otherForm(sessionCookie)].sort())
    t.equal((await service.inject({ url, headers: { cookie: own } })).statusCode, 200)
  }
})

t.test('with SameSite=None the other form is the one without Partitioned', async (t) => {
  const crossSite = await openService(t, database, { COOKIE_SAME_SITE: 'none' })
  const { client } = await newPerson(crossSite)
  const cookie = `${tokenOf(client)}; ${refreshCookie}=tossed`
  const response = await crossSite.inject({ method: 'POST', url: '/refresh', headers: { cookie } })
  t.strictSame(setCookies(response), [`${refreshCookie}=; ${gone}; SameSite=None`])
})

t.test(
  'without the prefix, the forms of every domain and path that the browser may have sent are cleared',
  async (t) => {
    const plain = await openService(t, database, { COOKIE_SECURE: 'false' })
    const { client } = await newPerson(plain)
    const formsAt = async (host: string) => {
      const cookie = `${tokenOf(client, 'refresh_token')}; refresh_token=tossed`
      const response = await plain.inject({ method: 'POST', url: '/refresh', headers: { cookie, host } })
      t.match(response.json(), { code: 'ambiguous_credentials' })
      return setCookies(response)
        .map((header) =>
          header
            .match(/; (Domain=[\w.-]+; )?(Path=[\w/]+).*?(; Partitioned)?; SameSite/)
            ?.slice(1)
            .join('')
        )
        .sort()
    }
    const places = ['', 'Domain=app.example.test; ', 'Domain=example.test; ']
    t.strictSame(
      await formsAt('app.example.test:3000'),
      places
        .flatMap((place) => [`${place}Path=/`, `${place}Path=/refresh`, `${place}Path=/; Partitioned`])
        .filter((form) => form !== 'Path=/')
        .sort()
    )
    const local = ['Path=/; Partitioned', 'Path=/refresh']
    for (const host of ['localhost:3000', '127.0.0.1', '[::1]:3000', 'a;b', 'a..b', '-', `${'x'.repeat(64)}.test`]) {
      t.strictSame(await formsAt(host), local, host)
    }
    t.ok((await formsAt(`${'a.'.repeat(100)}test`)).length < 20, 'a long host gets a short response')
  }
)

t.test(
  'a login is not refused for two cookies: it replaces each of our sessions and clears the other form',
  async (t) => {
    for (const mode of ['cookie', 'session'] as const) {
      const name = mode === 'cookie' ? refreshCookie : sessionCookie
      const person = await newPerson(app, mode)
      const { client: second } = await anotherDevice(app, person, mode)
      const cookie = `${tokenOf(person.client, name)}; ${name}=tossed; ${tokenOf(second, name)}`
      const response = await login(person.email, cookie, { mode })
      t.equal(response.statusCode, 200)
      const [first, next, ...others] = setCookies(response)
      t.equal(first, otherForm(name), 'before the new cookie, for browsers that ignore Partitioned')
      t.match(next, new RegExp(`^${name}=lk_[rs]t_`))
      t.strictSame(
        others.map((header) => header.split('=')[0]),
        ['__Host-device']
      )
      t.equal(await endOf(person.client.sessionId), 'replaced')
      t.equal(await endOf(second.sessionId), 'replaced')
    }
  }
)

t.test('a login that fails clears nothing', async (t) => {
  const { client, email } = await newPerson(app)
  const cookie = `${tokenOf(client)}; ${refreshCookie}=tossed`
  expectProblem(t, await login(email, cookie, { password: 'a wrong password' }), 'invalid_credentials')
  t.equal((await client.send('POST', '/refresh')).statusCode, 200)
})

t.test('a logout is not refused for two cookies: it ends each of our sessions and clears all forms', async (t) => {
  const person = await newPerson(app)
  const { client: second } = await anotherDevice(app, person)
  const cookie = `${tokenOf(person.client)}; ${refreshCookie}=tossed; ${tokenOf(second)}`
  const response = await app.inject({ method: 'POST', url: '/logout', headers: { cookie } })
  t.equal(response.statusCode, 204)
  t.ok([ownForm(refreshCookie), otherForm(refreshCookie)].every((form) => setCookies(response).includes(form)))
  t.equal(await endOf(person.client.sessionId), 'logged_out')
  t.equal(await endOf(second.sessionId), 'logged_out')
})

t.test('two device cookies are not refused, and the genuine one counts', async (t) => {
  const { client, email } = await newPerson(app)
  const [name, value] = client.deviceCookie ?? []
  for (const cookie of [`${name}=${value}; ${name}=tossed`, `${name}=tossed; ${name}=${value}`]) {
    const response = await login(email, cookie)
    t.equal(response.statusCode, 200)
    t.ok(setCookies(response).includes(otherForm(name ?? '')))
  }
})

t.test('a request from another origin clears nothing', async (t) => {
  const { client } = await newPerson(app)
  const headers = { 'sec-fetch-site': 'same-site', origin: 'https://evil.auth.test' }
  expectProblem(t, await refresh(`${tokenOf(client)}; ${refreshCookie}=tossed`, headers), 'forbidden_origin')
})

t.test('a password change is refused for two cookies, and a retry succeeds', async (t) => {
  const { client } = await newPerson(app)
  const payload = { current_password: goodPassword, new_password: 'another good password' }
  const own = client.cookies.get(refreshCookie) ?? ''
  const headers = { cookie: `${refreshCookie}=${own}; ${refreshCookie}=tossed` }
  const refused = await client.send('POST', '/password', { payload, headers })
  expectProblem(t, refused, 'ambiguous_credentials', { detail }, [refreshCookie])
  client.cookies.set(refreshCookie, own)
  t.equal((await client.send('POST', '/password', { payload })).statusCode, 200)
})
