import t from 'tap'
import { createServerClient } from '../../../src/client/server/create-server-client.js'
import { createVerifier } from '../../../src/verifier/index.js'
import { FakeRuntime, problemResponse, settled } from '../../support/client/fake-runtime.js'
import { impatientRuntime, loseResponse, openLatchkeyForSites, Visitor } from '../../support/client/site.js'
import { age } from '../../support/database.js'

/** The client of a server that renders pages, against the real service. */
const { baseURL, database, newSite, newVisitor, eventsOf } = await openLatchkeyForSites(t)

t.test('concurrent requests of one session share one refresh, and later requests need none', async (t) => {
  const { visitor, sid } = await newVisitor()
  await age(database, sid, 60)
  const site = newSite()
  const results = await Promise.all(Array.from({ length: 20 }, () => site.authenticate(visitor.request)))
  t.strictSame(site.takeRequests(), ['/refresh'])
  for (const result of results) t.match(result, { status: 'signed_in', auth: { sessionId: sid, roles: [] } })
  visitor.receive(results[0] ?? { setCookies: [] })
  t.match(await site.authenticate(visitor.request), { status: 'signed_in', setCookies: [] })
  t.strictSame(site.takeRequests(), [])
})

t.test('a request that a page of another origin has sent is not signed in, and refreshes nothing', async (t) => {
  const { visitor, sid } = await newVisitor()
  await age(database, sid, 60)
  const site = newSite()
  const from = (headers: Record<string, string | undefined>) =>
    site.authenticate({ ...visitor.request, headers: { ...visitor.request.headers, ...headers } })
  const refused = { status: 'unknown', auth: null, error: { code: 'forbidden_origin', status: 403 }, setCookies: [] }
  for (const origin of ['https://sibling.example.com', 'null']) {
    t.match(await from({ origin, 'sec-fetch-site': 'same-site' }), refused, origin)
    t.match(await from({ origin, 'sec-fetch-site': undefined }), refused, `${origin}, from an old browser`)
  }
  t.strictSame(site.takeRequests(), [])
  const own = await from({ origin: 'null', 'sec-fetch-site': 'same-origin' })
  t.match(own, { status: 'signed_in' }, 'a form of an own page that hides its origin')
  t.match(await from({ 'sec-fetch-site': 'cross-site' }), { status: 'signed_in' }, 'a link on another site')
})

t.test('the access token is renewed in the last quarter of its life', async (t) => {
  let time = Date.now()
  const site = newSite({}, { ...impatientRuntime, now: () => time })
  const { visitor, accessToken } = await newVisitor(site)
  site.takeRequests()
  time += 449_000
  t.match(await site.authenticate(visitor.request), { accessToken })
  t.strictSame(site.takeRequests(), [])
  time += 2000
  const renewed = await site.authenticate(visitor.request)
  t.equal(renewed.status, 'signed_in')
  t.not(renewed.accessToken, accessToken)
  t.strictSame(site.takeRequests(), ['/refresh'])
})

t.test('the cookie of the key has the attributes of the session, and is renewed and cleared with it', async (t) => {
  const site = newSite()
  const { visitor, sid } = await newVisitor(site)
  await age(database, sid, 60)
  const { port } = new URL(baseURL)
  const attributes = (headers: readonly string[], name: string) =>
    headers.filter((header) => header.includes(name)).map((header) => header.slice(header.indexOf(';')))
  const expectPair = (headers: readonly string[]) => {
    t.equal(attributes(headers, `__Host-refresh_key_${port}=`).length, 1)
    t.strictSame(attributes(headers, '__Host-refresh_key'), attributes(headers, '__Host-refresh_token'))
  }
  const before = visitor.cookie('refresh_key')
  const refreshed = visitor.receive(await newSite().authenticate(visitor.request))
  expectPair(refreshed.setCookies)
  t.equal(visitor.cookie('refresh_key'), before)
  const out = visitor.receive(await site.answer(visitor.request, 'logout'))
  t.equal(out.status, 204)
  expectPair(out.headers.getSetCookie())
  t.strictSame([visitor.cookie('refresh_key'), visitor.cookie('refresh_token')], [undefined, undefined])
})

t.test('responses that the browser never received sign nobody out, hours later and after a restart', async (t) => {
  const { visitor, sid } = await newVisitor()
  for (let lost = 0; lost < 3; lost += 1) {
    await age(database, sid, 7200)
    t.match(await newSite().authenticate(visitor.request), { status: 'signed_in' }, 'and its cookies are lost')
  }
  await age(database, sid, 7200)
  t.match(visitor.receive(await newSite().authenticate(visitor.request)), { status: 'signed_in' })
  await age(database, sid, 7200)
  t.match(visitor.receive(await newSite().authenticate(visitor.request)), { status: 'signed_in' })
  const recovered = (await eventsOf(sid)).filter((event) => event.startsWith('refresh_recovered'))
  t.strictSame(recovered, ['refresh_recovered: idempotency_key'], 'the key was enough')
})

t.test('a lost response of Latchkey is retried with the same key', async (t) => {
  const { visitor, sid } = await newVisitor()
  await age(database, sid, 60)
  const site = newSite()
  site.network.carry = (request) => (site.requests.length < 3 ? loseResponse(request) : fetch(request))
  const before = visitor.cookie('refresh_token')
  t.match(visitor.receive(await site.authenticate(visitor.request)), { status: 'signed_in' })
  const keys = site.requests.map(({ headers }) => headers.get('idempotency-key'))
  t.strictSame(
    keys,
    Array.from({ length: 3 }, () => visitor.cookie('refresh_key'))
  )
  t.not(visitor.cookie('refresh_token'), before)
})

t.test('two processes and two tabs stay signed in while responses are lost on both ways', async (t) => {
  const { visitor, sid } = await newVisitor()
  const tabs = [newSite(), newSite()]
  const rejected: (string | undefined)[] = []
  for (let round = 0; round < 20; round += 1) {
    await age(database, sid, round % 5 === 0 ? 7200 : 25)
    for (const { network } of tabs) network.carry = round % 4 === 1 ? loseResponse : (request) => fetch(request)
    const { request } = visitor
    // Rejected tokens make both refresh.
    const results = await Promise.all(tabs.map((tab, i) => tab.authenticate(request, rejected[i])))
    for (const [i, { status, accessToken }] of results.entries()) {
      t.not(status, 'signed_out')
      t.not(accessToken, rejected[i])
      rejected[i] = accessToken ?? rejected[i]
    }
    if (round % 3 !== 0) for (const result of results) visitor.receive(result)
  }
  t.notOk((await eventsOf(sid)).some((event) => event.includes('reuse') || event.includes(': recovery')))
})

t.test('a session that began without a key goes on without one', async (t) => {
  const { person } = await newVisitor()
  const visitor = new Visitor()
  const login = await fetch(`${baseURL}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(person)
  })
  visitor.receive(login)
  const { session_id: sid } = (await login.json()) as { session_id: string }
  await age(database, sid, 60)
  const site = newSite()
  t.match(visitor.receive(await site.authenticate(visitor.request)), { status: 'signed_in' })
  t.equal(site.requests[0]?.headers.get('idempotency-key'), null)
  t.equal(visitor.cookie('refresh_key'), undefined)
})

t.test('a thief with a refresh token and without the key gets nothing newer from memory', async (t) => {
  const site = newSite()
  const { visitor, sid, accessToken } = await newVisitor(site)
  const thief = thiefOf(visitor)
  await age(database, sid, 60)
  const renewed = visitor.receive(await site.authenticate(visitor.request, accessToken))
  const stolen = thief.cookie('refresh_token')
  t.match(thief.receive(await site.authenticate(thief.request)), { status: 'signed_in' }, 'an access token only')
  t.equal(thief.cookie('refresh_token'), stolen)
  await age(database, sid, 60)
  visitor.receive(await site.authenticate(visitor.request, renewed.accessToken))
  t.match(await newSite().authenticate(thief.request), { status: 'signed_out', error: { reason: 'reuse_detected' } })
})

t.test('a thief without the key does not share a running refresh of the browser', async (t) => {
  const site = newSite()
  const { visitor, sid, accessToken } = await newVisitor(site)
  const thief = thiefOf(visitor)
  await age(database, sid, 60)
  const ofBrowser = site.authenticate(visitor.request, accessToken)
  site.network.carry = async (request) => {
    if (!request.headers.has('idempotency-key')) await ofBrowser
    return fetch(request)
  }
  const ofThief = await site.authenticate(thief.request, accessToken)
  t.strictSame([ofThief.status, ofThief.setCookies], ['signed_in', []])
  t.not((await ofBrowser).setCookies.length, 0)
})

/** A browser with the refresh token, and without the key. */
function thiefOf(visitor: Visitor): Visitor {
  const thief = new Visitor()
  for (const [name, value] of visitor.jar) if (!name.includes('refresh_key')) thief.jar.set(name, value)
  return thief
}

t.test('the end of a session clears its cookies and says why; a request without cookies is signed out', async (t) => {
  const site = newSite()
  const { visitor, accessToken } = await newVisitor(site)
  const ended = await fetch(`${baseURL}/sessions?all=true`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${accessToken}` }
  })
  t.equal(ended.status, 200)
  const result = visitor.receive(await site.authenticate(visitor.request, accessToken))
  t.match(result, { status: 'signed_out', auth: null, error: { code: 'session_ended', reason: 'revoked_by_user' } })
  t.strictSame(
    [...visitor.jar.keys()].filter((name) => name.includes('refresh')),
    []
  )
  site.takeRequests()
  t.strictSame(await site.authenticate(visitor.request), { status: 'signed_out', auth: null, setCookies: [] })
  t.strictSame(site.takeRequests(), [])
})

t.test('with a verifier, a session that has ended is signed out although its token is held', async (t) => {
  const verdict = { ok: true }
  const site = newSite({ verifier: { verify: async () => verdict } })
  const { visitor, accessToken } = await newVisitor(site)
  t.match(await site.authenticate(visitor.request), { accessToken })
  await fetch(`${baseURL}/logout`, { method: 'POST', headers: { authorization: `Bearer ${accessToken}` } })
  t.match(await site.authenticate(visitor.request), { accessToken })
  verdict.ok = false
  t.match(await site.authenticate(visitor.request), { status: 'signed_out', error: { reason: 'logged_out' } })
  const verifier = createVerifier({ issuer: 'https://auth.test', audience: 'https://auth.test' })
  t.teardown(() => verifier.close())
  newSite({ verifier })
})

t.test('if Latchkey is busy or away, nobody knows who is signed in, and the cookies stay', async (t) => {
  const { visitor } = await newVisitor()
  const before = [...visitor.jar]
  for (const carry of [
    async () => new Response(null, { status: 503 }),
    async () => new Response('<p>Welcome to the hotel</p>'),
    async () => Response.json({ access_token: 'not a token', session_id: 'x' }),
    async () => Promise.reject(new TypeError('Refused'))
  ]) {
    const site = newSite()
    site.network.carry = carry
    const result = visitor.receive(await site.authenticate(visitor.request))
    t.match(result, { status: 'unknown', auth: null, error: { isTemporary: true }, setCookies: [] })
    t.strictSame([...visitor.jar], before)
  }
})

for (const { retryAfter, attempts, answeredAfter } of [
  { retryAfter: '9', attempts: [0], answeredAfter: 0 },
  { retryAfter: '5', attempts: [0, 5000], answeredAfter: 5000 },
  { retryAfter: '4', attempts: [0, 4000, 8000], answeredAfter: 8000 }
]) {
  t.test(`no attempt begins after nine seconds if Latchkey asks for a wait of ${retryAfter}`, async (t) => {
    const begun: number[] = []
    const start = 1_000_000
    const fake = new FakeRuntime(() => {
      begun.push(fake.time - start)
      return problemResponse(503, 'unavailable', {}, { 'retry-after': retryAfter })
    })
    const site = createServerClient({ baseURL: 'https://a.test', origin: 'https://a.test' }, fake)
    const answered = site
      .authenticate({ headers: { cookie: '__Host-refresh_token=t' } })
      .then((result) => ({ ...result, after: fake.time - start }))
    while (begun.length === 0) await settled()
    await fake.advance(60_000)
    t.match(await answered, { status: 'unknown', error: { code: 'unavailable' }, after: answeredAfter })
    t.strictSame(begun, attempts)
    t.equal(fake.timers.size, 0)
  })
}

t.test('a verifier that is not ready causes no refresh', async (t) => {
  const site = newSite({ verifier: { verify: async () => ({ ok: false, status: 503 }) } })
  const { visitor } = await newVisitor(site)
  site.takeRequests()
  t.match(await site.authenticate(visitor.request), { status: 'unknown', error: { isTemporary: true } })
  t.strictSame(site.takeRequests(), [])
})

t.test('a token that is expired when it arrives signs nobody in, and the cookies are kept', async (t) => {
  const { visitor, sid } = await newVisitor()
  await age(database, sid, 60)
  const site = newSite()
  site.network.carry = async (request) => {
    const response = await fetch(request)
    const body = { ...((await response.json()) as object), expires_in: 0 }
    return Response.json(body, response)
  }
  const result = visitor.receive(await site.authenticate(visitor.request))
  t.match(result, { status: 'unknown', auth: null, error: { isTemporary: true } })
  t.equal(result.setCookies.length, 2)
  site.network.carry = (request) => fetch(request)
  t.match(await site.authenticate(visitor.request), { status: 'signed_in' })
})

t.test('a rejected token of another process renews a held token, unless that one is new', async (t) => {
  let time = Date.now()
  const site = newSite({}, { ...impatientRuntime, now: () => time })
  const { visitor, accessToken } = await newVisitor(site)
  t.match(await site.authenticate(visitor.request, 'of another process'), { accessToken })
  time += 6000
  t.match(await site.authenticate(visitor.request, ''), { accessToken })
  t.not((await site.authenticate(visitor.request, 'of another process')).accessToken, accessToken)
})

t.test('of two cookies of one name Latchkey chooses, and the next request is signed in', async (t) => {
  const site = newSite()
  const { visitor, accessToken } = await newVisitor(site)
  const { cookie = '', ...headers } = visitor.request.headers as Record<string, string>
  const twice = { ...headers, cookie: `${cookie}; __Host-refresh_token=junk` }
  site.takeRequests()
  const result = await site.authenticate({ headers: twice }, accessToken)
  t.match(result, { status: 'unknown', error: { code: 'ambiguous_credentials' } })
  t.ok(result.setCookies.length > 0 && result.setCookies.every((header) => /^__Host-refresh_\w+=;/.test(header)))
  t.strictSame(site.takeRequests(), ['/refresh'])
  t.match(await site.authenticate(visitor.request, accessToken), { status: 'signed_in' })
})

t.test('a Latchkey that does not answer is asked three times, and given up within nine seconds', async (t) => {
  const runtime = new FakeRuntime(() => undefined)
  const site = createServerClient({ baseURL: 'https://example.com/auth', origin: 'https://example.com' }, runtime)
  const result = site.authenticate({ headers: { cookie: 'refresh_token=t' } })
  while (runtime.sent.length === 0) await settled()
  await runtime.advance(9000)
  t.match(await result, { status: 'unknown', error: { code: 'network_error' } })
  t.strictSame(runtime.sent, ['POST /auth/refresh', 'POST /auth/refresh', 'POST /auth/refresh'])
})

t.test('the late cookie of a replaced session leaves the newer one alone', async (t) => {
  const site = newSite()
  const { visitor, person } = await newVisitor(site)
  const late = visitor.request
  visitor.receive(await site.answer(visitor.request, 'login', person))
  t.match(await site.authenticate(late), { status: 'unknown', error: { reason: 'replaced' }, setCookies: [] })
  t.match(await site.authenticate(visitor.request), { status: 'signed_in' })
})

t.test('behind a link on another site, the missing cookie says nothing', async (t) => {
  const visitor = new Visitor()
  visitor.headers['sec-fetch-site'] = 'cross-site'
  t.strictSame(await newSite().authenticate(visitor.request), { status: 'unknown', auth: null, setCookies: [] })
})
