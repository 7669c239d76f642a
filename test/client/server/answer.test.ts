import t from 'tap'
import { createAuthClient } from '../../../src/client/index.js'
import { createServerClient } from '../../../src/client/server/create-server-client.js'
import { loseResponse, openLatchkeyForSites, Visitor } from '../../support/client/site.js'
import { age } from '../../support/database.js'
import { goodPassword } from '../../support/service.js'

/** What a site's own routes answer its pages, with the real service behind. */
const { baseURL, database, newSite, newVisitor, eventsOf } = await openLatchkeyForSites(t, { TRUST_PROXY: 'loopback' })
const newPassword = 'another rather long password'
const bodyOf = async (response: Response) => (await response.json()) as Record<string, unknown>

t.test('a site and a Latchkey on different hosts are refused when the client is created', async (t) => {
  const create = (baseURL: string, origin: string) => () => createServerClient({ baseURL, origin })
  t.throws(create('https://auth.example.com', 'https://example.com'), {
    name: 'TypeError',
    message: /The site \(example.com\) and Latchkey \(auth.example.com\) must share a host/
  })
  t.throws(create('https://example.com/auth', 'https://example.com/'), { message: /origin must be like/ })
  t.doesNotThrow(create('https://example.com/auth', 'https://example.com'))
  t.doesNotThrow(create('http://localhost:3000', 'http://localhost:8080'))
})

t.test('every route refuses pages of other origins, and asks Latchkey nothing', async (t) => {
  const site = newSite()
  const { visitor } = await newVisitor(site)
  site.takeRequests()
  for (const path of ['refresh', 'login', 'register', 'logout', 'password', 'reauthenticate']) {
    for (const headers of [
      { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
      { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:81' },
      { origin: 'https://evil.example' },
      { origin: 'null' }
    ]) {
      const response = await site.answer({ headers: { ...headers, cookie: 'refresh_token=x' } }, path, {})
      t.equal(response.status, 403)
      t.match(await bodyOf(response), { code: 'forbidden_origin' })
    }
  }
  t.strictSame(site.takeRequests(), [])
  const { cookie = '' } = visitor.request.headers as Record<string, string>
  for (const headers of [{ origin: 'http://127.0.0.1' }, { 'sec-fetch-site': 'same-origin' }, {}]) {
    t.equal((await site.answer({ headers: new Headers({ ...headers, cookie }) }, 'refresh')).status, 200)
  }
})

t.test('a page gets the access token that is held, or a newer one if an API has rejected it', async (t) => {
  const site = newSite()
  const { visitor, sid, accessToken } = await newVisitor(site)
  site.takeRequests()
  const held = await site.answer(visitor.request, 'refresh')
  t.equal(held.headers.get('cache-control'), 'no-store')
  const body = await bodyOf(held)
  t.match(body, { access_token: accessToken, token_type: 'Bearer', session_id: sid })
  t.ok(Number(body.expires_in) > 590 && Number(body.expires_in) <= 600)
  t.strictSame(site.takeRequests(), [])
  visitor.headers.authorization = `Bearer ${accessToken}`
  const renewed = await bodyOf(visitor.receive(await site.answer(visitor.request, 'refresh')))
  t.not(renewed.access_token, accessToken)
  t.match(await bodyOf(await site.answer(visitor.request, 'refresh')), { access_token: renewed.access_token })
  t.strictSame(site.takeRequests(), ['/refresh'])
})

t.test('`latchkey/client` in a page gets a newer token after an API has rejected its own', async (t) => {
  const site = newSite()
  const { visitor, sid } = await newVisitor(site)
  let lastToken = ''
  const tokens: string[] = []
  // As in docs/rendered-pages.md, but the site and its browser are here.
  const auth = createAuthClient({
    baseURL: 'http://127.0.0.1/session',
    origins: [baseURL],
    fetch: async (input, init) => {
      const request = new Request(input, init)
      if (request.url.endsWith('/session/refresh')) {
        visitor.headers.authorization = lastToken
        return visitor.receive(await site.answer(visitor.request, 'refresh'))
      }
      lastToken = request.headers.get('authorization') ?? lastToken
      tokens.push(lastToken)
      return tokens.length > 1 ? fetch(request) : Response.json({ code: 'invalid_token' }, { status: 401 })
    }
  })
  t.teardown(() => auth.close())
  t.equal((await auth.fetch(`${baseURL}/me`)).status, 200)
  t.match(auth.state, { status: 'signed_in', sessionId: sid })
  t.equal(new Set(tokens).size, 2)
})

t.test('a page learns whether nobody is signed in, the session has ended, or nobody can say', async (t) => {
  const site = newSite()
  const { visitor, accessToken } = await newVisitor(site)
  const stranger = await site.answer(new Visitor().request, 'refresh')
  t.match([stranger.status, await bodyOf(stranger)], [401, { code: 'missing_credentials' }])
  visitor.headers.authorization = `Bearer ${accessToken}`
  site.network.carry = async () => new Response(null, { status: 503, headers: { 'retry-after': '1' } })
  const busy = await site.answer(visitor.request, 'refresh')
  t.match([busy.status, busy.headers.get('retry-after')], [503, '1'])
  site.network.carry = async () => Promise.reject(new TypeError('Refused'))
  const away = await site.answer(visitor.request, 'refresh')
  t.match([away.status, await bodyOf(away)], [503, { code: 'unavailable' }])
  site.network.carry = (request) => fetch(request)
  await fetch(`${baseURL}/logout`, { method: 'POST', headers: { authorization: `Bearer ${accessToken}` } })
  const ended = visitor.receive(await site.answer(visitor.request, 'refresh'))
  t.match([ended.status, await bodyOf(ended)], [401, { code: 'session_ended', reason: 'logged_out' }])
  t.equal(visitor.cookie('refresh_token'), undefined)
})

t.test('a login has a new key, needs no refresh after it, and ends the session before', async (t) => {
  const site = newSite()
  const { visitor, person, sid } = await newVisitor(site)
  const key = visitor.cookie('refresh_key')
  t.match(key, /^[\w-]{16,}$/)
  const response = visitor.receive(await site.answer(visitor.request, 'login', { ...person, mode: 'body' }))
  const body = await bodyOf(response)
  t.notOk('refresh_token' in body, 'the refresh token is in the cookie, whatever mode the page asks for')
  t.not(visitor.cookie('refresh_key'), key)
  site.takeRequests()
  t.match(await site.authenticate(visitor.request), { accessToken: body.access_token, setCookies: [] })
  t.strictSame(site.takeRequests(), [])
  t.equal((await eventsOf(sid)).at(-1), 'session_ended: replaced')

  const refused = await site.answer(visitor.request, 'login', { ...person, password: 'a wrong one' })
  t.match([refused.status, await bodyOf(refused)], [401, { code: 'invalid_credentials' }])
  t.strictSame(refused.headers.getSetCookie(), [])
  t.equal((await site.answer(visitor.request, 'login', 'no object')).status, 400)
  for (const path of ['me', 'sessions', 'constructor', '../admin/users']) {
    t.equal((await site.answer(visitor.request, path, {})).status, 404)
  }
})

t.test('Latchkey lists the browser and not the site', async (t) => {
  const { accessToken } = await newVisitor()
  const response = await fetch(`${baseURL}/sessions`, { headers: { authorization: `Bearer ${accessToken}` } })
  const { sessions } = (await response.json()) as { sessions: unknown[] }
  t.match(sessions, [{ user_agent: 'a browser', ip: '192.0.2.7', mode: 'cookie' }])
})

t.test('Latchkey gets no cookies of the site', async (t) => {
  const site = newSite()
  const { visitor, accessToken } = await newVisitor(site)
  visitor.jar.set('cart', '7')
  await site.authenticate(visitor.request, accessToken)
  const names = site.requests
    .at(-1)
    ?.headers.get('cookie')
    ?.replace(/=[^;]*/g, '')
  t.match(names, /^__Host-refresh_token; __Host-device$/)
})

t.test('a new password replaces the session; a wrong one changes nothing, and loses no cookie', async (t) => {
  const { visitor, sid } = await newVisitor()
  await age(database, sid, 60)
  // Without a token in memory, both refresh first.
  const wrong = { current_password: 'a wrong one', new_password: newPassword }
  const before = visitor.cookie('refresh_token')
  const refused = visitor.receive(await newSite().answer(visitor.request, 'password', wrong))
  t.match([refused.status, await bodyOf(refused)], [401, { code: 'invalid_credentials' }])
  t.not(visitor.cookie('refresh_token'), before)
  await age(database, sid, 60)
  const site = newSite()
  const change = { current_password: goodPassword, new_password: newPassword }
  const changed = visitor.receive(await site.answer(visitor.request, 'password', change))
  const body = await bodyOf(changed)
  t.not(body.session_id, sid)
  t.match(await site.authenticate(visitor.request), { accessToken: body.access_token })
  t.match(await newSite().authenticate(visitor.request), { status: 'signed_in' })
  const again = visitor.receive(await site.answer(visitor.request, 'reauthenticate', { password: newPassword }))
  t.equal(again.status, 200)
  t.match(await newSite().authenticate(visitor.request), { status: 'signed_in' })
  t.equal((await site.answer(new Visitor().request, 'password', change)).status, 401)
})

t.test('a token that Latchkey refuses is renewed once, after a change of roles for example', async (t) => {
  for (const code of ['token_expired', 'invalid_token', 'session_revoked']) {
    for (const refusals of [1, 9]) {
      const site = newSite()
      const { visitor, sid } = await newVisitor(site)
      await age(database, sid, 60)
      site.takeRequests()
      let left = refusals
      site.network.carry = async (request) => {
        if (!request.url.endsWith('/reauthenticate') || left === 0) return fetch(request)
        left -= 1
        return Response.json({ code, title: code }, { status: 401 })
      }
      const before = visitor.cookie('refresh_token')
      const answer = visitor.receive(await site.answer(visitor.request, 'reauthenticate', { password: goodPassword }))
      const body = await bodyOf(answer)
      t.not(visitor.cookie('refresh_token'), before)
      t.strictSame(
        site.requests.map(({ url }) => new URL(url).pathname),
        ['/reauthenticate', '/refresh', '/reauthenticate']
      )
      t.equal(new Set(site.requests.map(({ headers }) => headers.get('authorization'))).size, 3)
      if (refusals === 1) t.not(body.session_id, sid)
      else t.match([answer.status, body], [401, { code }])
      t.match(await newSite().authenticate(visitor.request), { status: 'signed_in' })
    }
  }
})

t.test('a login whose response is lost, and a logout that does not reach Latchkey, change no cookie', async (t) => {
  const site = newSite()
  const { visitor, person } = await newVisitor(site)
  const before = [...visitor.jar]
  site.network.carry = async () => Promise.reject(new TypeError('Refused'))
  const logout = visitor.receive(await site.answer(visitor.request, 'logout'))
  t.equal(logout.status, 503)
  site.network.carry = loseResponse
  t.equal(visitor.receive(await site.answer(visitor.request, 'login', person)).status, 503)
  t.strictSame([...visitor.jar], before)
  site.network.carry = (request) => fetch(request)
  visitor.receive(await site.answer(visitor.request, 'login', person))
  t.match(await site.authenticate(visitor.request), { status: 'signed_in' })
})
