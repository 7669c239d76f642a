import t from 'tap'
import { createAuthClient } from '../../src/client/client.js'
import type { AuthClientOptions, AuthState } from '../../src/client/index.js'
import { answer, fakeBrowser, Place, problem, settled, tokens } from '../support/client/fake-runtime.js'

const baseURL = 'https://auth.test'
const person = { email: 'ada@example.org', password: 'a rather long password' }

/** A client at a service that answers as `service` says, and what it has told its app. */
function clientAt(service: Place['answer'], options: AuthClientOptions = {}) {
  const place = new Place(service)
  const auth = createAuthClient({ baseURL, ...options }, place)
  const told: AuthState[] = []
  auth.onChange((state) => told.push(state))
  return { place, auth, told }
}

/** Signed in, with what was sent for it forgotten. */
async function signedIn(service: Place['answer'], options: AuthClientOptions = {}) {
  const client = clientAt(() => tokens({ refresh_token: 'token-1' }), options)
  await client.auth.login(person)
  client.place.sent.splice(0)
  client.place.requests.splice(0)
  client.place.answer = service
  return client
}

const isOut = { status: 'signed_out' } as const

t.test('callers share one refresh', async (t) => {
  const { auth, place } = clientAt((request) => (request.url.endsWith('/refresh') ? tokens() : answer(200, {})))
  await Promise.all(Array.from({ length: 10 }, () => auth.fetch('/things')))
  t.equal(place.sent.filter((sent) => sent === 'POST /refresh').length, 1)
  t.equal(new Set(place.requests.slice(1).map(({ headers }) => headers.get('authorization'))).size, 1)
})

t.test('and its attempts, while they fail', async (t) => {
  const { auth, place } = await signedIn(() => problem(503, 'unavailable'))
  const refused = Promise.all(Array.from({ length: 10 }, () => t.rejects(auth.refresh(), { code: 'unavailable' })))
  await place.pass(10_000)
  await refused
  t.equal(place.sent.length, 3)
})

t.test('one key goes with every refresh of a session, and another session has another one', async (t) => {
  const { auth, place } = await signedIn(() => tokens())
  const keys = () => place.requests.splice(0).map(({ headers }) => headers.get('idempotency-key'))
  await auth.refresh()
  await auth.refresh()
  const [first, second] = keys()
  t.match(first, /^[0-9a-f]{32}$/)
  t.equal(first, second)
  await auth.login(person)
  keys()
  await auth.refresh()
  t.not(keys()[0], first)
})

t.test('a refresh is given up after ten seconds, and repeated with the same key', async (t) => {
  const { auth, place } = await signedIn(() => undefined)
  const refreshed = auth.refresh()
  await place.pass(9999)
  t.equal(place.sent.length, 1)
  place.answer = () => tokens()
  await place.pass(2000)
  await refreshed
  const [first, second] = place.requests
  t.equal(first?.signal.aborted, true)
  t.equal(second?.headers.get('idempotency-key'), first?.headers.get('idempotency-key'))
})

const temporary: Record<string, () => Response | Promise<Response>> = {
  'a network that is down': () => Promise.reject(new TypeError('fetch failed')),
  429: () => problem(429, 'too_many_requests'),
  500: () => problem(500, 'internal_error'),
  503: () => problem(503, 'unavailable'),
  'the 502 of a proxy': () => new Response('<h1>Bad gateway</h1>', { status: 502 }),
  'an empty answer, of something else': () => new Response(),
  'an answer to another question': () => answer(200, {}),
  'the login page of a hotel': () => new Response('<h1>Welcome</h1>')
}
for (const [name, service] of Object.entries(temporary)) {
  t.test(`${name} is waited out, and nobody is signed out`, async (t) => {
    const { auth, place, told } = await signedIn(service)
    const refused = t.rejects(auth.refresh(), { name: 'AuthError', isTemporary: true })
    await place.pass(10_000)
    await refused
    t.equal(place.sent.length, 3, 'is tried three times')
    place.answer = () => tokens()
    await auth.refresh()
    t.strictSame(told, [{ status: 'signed_in', sessionId: 's1' }])
  })
}

t.test('a Retry-After is waited out', async (t) => {
  const { auth, place } = await signedIn(() => problem(503, 'unavailable', {}, { 'retry-after': '5' }))
  const refreshed = auth.refresh()
  await place.pass(4999)
  t.equal(place.sent.length, 1)
  place.answer = () => tokens()
  await place.pass(1)
  await refreshed
  t.equal(place.sent.length, 2)
})

t.test('a longer Retry-After is told to whoever asks, and kept', async (t) => {
  for (const retryAfter of ['60', new Date(1_060_000).toUTCString()]) {
    const { auth, place } = await signedIn(() => problem(429, 'too_many_requests', {}, { 'retry-after': retryAfter }))
    const error = { code: 'too_many_requests', retryAfterSeconds: 60 }
    await t.rejects(auth.refresh(), error)
    await place.pass(40_000)
    await t.rejects(auth.refresh(), { code: 'too_many_requests' })
    t.equal(place.sent.length, 1)
    place.answer = () => tokens()
    await place.pass(20_000)
    await auth.refresh()
    t.equal(place.sent.length, 2)
  }
})

t.test('a session ends on session_ended, with the reason, and on invalid_refresh_token', async (t) => {
  for (const [refusal, reason] of [
    [problem(401, 'session_ended', { reason: 'reuse_detected' }), 'reuse_detected'],
    [problem(401, 'invalid_refresh_token'), 'invalid_refresh_token']
  ] as const) {
    const stored = new Map<string, string>()
    const { auth, place, told } = await signedIn(() => refusal, { mode: 'body', storage: storageIn(stored) })
    await t.rejects(auth.refresh(), { name: 'AuthError', status: 401, isTemporary: false })
    t.strictSame(told.at(-1), { ...isOut, reason })
    t.equal(await auth.getAccessToken(), undefined)
    t.equal(stored.size, 0)
    t.equal(place.sent.length, 1, 'and is asked for no more')
  }
})

t.test('no other refusal ends it', async (t) => {
  for (const refusal of [
    problem(403, 'forbidden_origin'),
    problem(400, 'ambiguous_credentials'),
    problem(401, 'other')
  ]) {
    const { auth, place } = await signedIn(() => refusal)
    await t.rejects(auth.refresh(), { name: 'AuthError', isTemporary: false })
    t.equal(auth.state.status, 'signed_in')
    t.equal(place.sent.length, 1, 'and none of them is tried again')
  }
})

t.test('where the browser has no cookie nobody is signed in, and nothing is thrown away', async (t) => {
  const stored = new Map<string, string>()
  const { auth, place } = clientAt(() => problem(401, 'missing_credentials'), { storage: storageIn(stored) })
  t.equal(auth.state.status, 'unknown')
  t.equal(await auth.getAccessToken(), undefined)
  t.strictSame(auth.state, isOut)
  t.equal(stored.size, 1)
  place.answer = () => tokens()
  await auth.refresh()
  t.equal(auth.state.status, 'signed_in')
})

t.test('the life of a token counts from when it arrived', async (t) => {
  const { auth, place } = await signedIn(() => tokens())
  const first = await auth.getAccessToken()
  await place.pass(0)
  place.timers.clear()
  place.time += 599_999
  t.equal(await auth.getAccessToken(), first)
  place.time += 1
  t.not(await auth.getAccessToken(), first)
})

t.test('a token in use is renewed ahead, an idle one is not', async (t) => {
  const { auth, place } = await signedIn(() => tokens())
  await auth.getAccessToken()
  // 0.75 + 0.15 * 0.5 of ten minutes.
  await place.pass(494_999)
  t.equal(place.sent.length, 0)
  await place.pass(1)
  t.equal(place.sent.length, 1)
  await place.pass(3_600_000)
  t.equal(place.sent.length, 1)
})

t.test('renewing ahead goes on through an outage, ever more slowly', async (t) => {
  const { auth, place } = await signedIn(() => problem(503, 'unavailable'))
  await auth.getAccessToken()
  await place.pass(3_600_000)
  t.ok(place.sent.length > 30 && place.sent.length < 200, `${place.sent.length} attempts in an hour`)
  place.answer = () => tokens()
  await place.pass(90_000)
  t.ok(await auth.getAccessToken())
  t.equal(auth.state.status, 'signed_in')
})

t.test('close ends the timers', async (t) => {
  const { auth, place } = await signedIn(() => tokens())
  await auth.getAccessToken()
  auth.close()
  t.equal(place.timers.size, 0)
  await auth.refresh()
  t.equal(place.timers.size, 0)
})

for (const code of ['token_expired', 'invalid_token', 'session_revoked']) {
  t.test(`fetch renews on ${code} once, and sends the request once more`, async (t) => {
    const bodies: string[] = []
    const { auth, place } = await signedIn(async (request) => {
      if (request.url.endsWith('/refresh')) return tokens()
      bodies.push(await request.text())
      return problem(401, code)
    })
    const response = await auth.fetch('/things', { method: 'POST', body: 'the body' })
    t.equal(response.status, 401)
    t.match(await response.json(), { code }, 'the answer can be read')
    t.strictSame(place.sent, ['POST /things', 'POST /refresh', 'POST /things'])
    t.strictSame(bodies, ['the body', 'the body'])
    const [first, , second] = place.requests.map(({ headers }) => headers.get('authorization'))
    t.not(first, second)
  })
}

t.test('another service may say it in the challenge alone', async (t) => {
  const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' }
  const { auth, place } = await signedIn((request) =>
    request.url.endsWith('/refresh') ? tokens() : new Response('no', { status: 401, headers: challenge })
  )
  await auth.fetch('/things')
  t.strictSame(place.sent, ['GET /things', 'POST /refresh', 'GET /things'])
})

t.test('a wrong password is no reason to renew, nor to send it again', async (t) => {
  const { auth, place } = await signedIn(() => problem(401, 'invalid_credentials'))
  t.equal((await auth.fetch('/password', { method: 'POST', body: '{}' })).status, 401)
  t.strictSame(place.sent, ['POST /password'])
})

t.test('nor is any answer but a 401', async (t) => {
  for (const status of [200, 403]) {
    const { auth, place } = await signedIn(() => problem(status, 'invalid_token'))
    t.equal((await auth.fetch('/things')).status, status)
    t.strictSame(place.sent, ['GET /things'])
  }
})

t.test('a late refusal of a token that has been replaced costs no further refresh', async (t) => {
  let refuseLate = (_: Response) => {}
  const { auth, place } = await signedIn((request) => {
    if (request.url.endsWith('/refresh')) return tokens()
    if (request.url.endsWith('/late')) return new Promise((resolve) => (refuseLate = resolve))
    return answer(200, {})
  })
  const late = auth.fetch('/late')
  await settled()
  await auth.refresh()
  const refusal = refuseLate
  refusal(problem(401, 'token_expired'))
  await settled()
  refuseLate(answer(200, {}))
  t.equal((await late).status, 200)
  t.strictSame(place.sent, ['GET /late', 'POST /refresh', 'GET /late'])
})

t.test('fetch rejects where it needs a token and can have none for now', async (t) => {
  const { auth, place } = await signedIn(() => problem(503, 'unavailable', {}, { 'retry-after': '60' }))
  place.time += 600_000
  await t.rejects(auth.fetch('/things'), { code: 'unavailable', isTemporary: true })
  t.strictSame(place.sent, ['POST /refresh'])
})

t.test('a refusal while the session has ended is the answer', async (t) => {
  const { auth } = await signedIn((request) =>
    request.url.endsWith('/refresh')
      ? problem(401, 'session_ended', { reason: 'revoked_by_admin' })
      : problem(401, 'session_revoked')
  )
  t.equal((await auth.fetch('/things')).status, 401)
  t.strictSame(auth.state, { ...isOut, reason: 'revoked_by_admin' })
})

t.test('the token goes to the origins that may have it, and to no other', async (t) => {
  const { auth, place } = await signedIn(() => answer(200, {}), { origins: ['https://api.test/v1'] })
  const token = `Bearer ${await auth.getAccessToken()}`
  for (const [address, authorization] of [
    ['/things', token],
    ['https://auth.test/things', token],
    ['https://api.test/things', token],
    ['http://auth.test/things', null],
    ['https://auth.test:8443/things', null],
    ['https://auth.test.evil.test/', null],
    ['//evil.test/things', null]
  ] as const) {
    await auth.fetch(address)
    await auth.fetch(new Request(new URL(address, baseURL)))
    t.strictSame(
      place.requests.splice(0).map(({ headers }) => headers.get('authorization')),
      [authorization, authorization],
      address
    )
    t.equal(auth.trusts(address), authorization !== null)
  }
  await auth.fetch('/things', { headers: { authorization: 'Basic mine' } })
  t.equal(place.requests[0]?.headers.get('authorization'), 'Basic mine', "a caller's own is left alone")
})

t.test('paths are resolved against baseURL as a browser would', async (t) => {
  const { auth, place } = await signedIn(() => tokens(), { baseURL: 'https://app.test/auth' })
  await auth.refresh()
  await auth.fetch('me')
  await auth.fetch('/reports')
  t.strictSame(place.sent, ['POST /auth/refresh', 'GET /auth/me', 'GET /reports'])
})

t.test('body mode keeps the refresh token in its storage, and sends no cookie', async (t) => {
  const stored = new Map<string, string>()
  const storage = storageIn(stored)
  const { auth, place } = await signedIn(() => tokens({ refresh_token: 'token-2' }), { mode: 'body', storage })
  await auth.refresh()
  const [request] = place.requests
  t.strictSame(await request?.json(), { refresh_token: 'token-1' })
  t.equal(request?.credentials, 'omit')
  t.strictSame([...stored.keys()], ['latchkey.auth.test_.key', 'latchkey.auth.test_.refresh_token'])
  t.equal(stored.get('latchkey.auth.test_.refresh_token'), 'token-2')

  const restarted = clientAt(() => tokens({ refresh_token: 'token-2' }), { mode: 'body', storage })
  await restarted.auth.refresh()
  const [resent] = restarted.place.requests
  t.strictSame(await resent?.json(), { refresh_token: 'token-2' })
  t.equal(resent?.headers.get('idempotency-key'), request?.headers.get('idempotency-key'))
})

t.test('body mode keeps the device token past a logout, and sends it with the next login alone', async (t) => {
  const storage = storageIn(new Map())
  const { auth, place } = await signedIn(() => tokens(), { mode: 'body', storage })
  await auth.login(person)
  t.notMatch(await place.requests[0]?.text(), 'device_token', 'there is none yet')
  place.answer = () => tokens({ refresh_token: 'token-1', device_token: 'device-1' })
  await auth.login(person)
  place.answer = () => answer(204)
  await auth.logout()

  place.requests.splice(0)
  place.answer = () => tokens({ refresh_token: 'token-2' })
  await auth.register(person)
  await auth.login(person)
  const [registration, login] = place.requests
  t.notMatch(await registration?.text(), 'device_token')
  t.match(await login?.json(), { device_token: 'device-1' })
})

t.test('a storage that fails signs nobody out', async (t) => {
  const stored = new Map<string, string>()
  const storage = storageIn(stored)
  const { auth, place } = await signedIn(() => tokens({ refresh_token: 'token-2' }), { mode: 'body', storage })
  storage.get = () => Promise.reject(new Error('the keychain is locked'))
  const refused = t.rejects(auth.refresh(), { code: 'storage_error', isTemporary: true })
  await place.pass(5000)
  await refused
  t.equal(auth.state.status, 'signed_in')

  storage.get = (name) => stored.get(name)
  storage.set = () => {
    throw new Error('the keychain is full')
  }
  await auth.refresh()
  place.requests.splice(0)
  await auth.refresh()
  t.strictSame(await place.requests[0]?.json(), { refresh_token: 'token-2' }, 'memory keeps what it does not take')
})

t.test('an unchanged refresh token is not stored over a newer one', async (t) => {
  const stored = new Map<string, string>()
  const { auth } = await signedIn(
    () => {
      stored.set('latchkey.auth.test_.refresh_token', 'token-2, stored by another process')
      return tokens({ refresh_token: 'token-1' })
    },
    { mode: 'body', storage: storageIn(stored) }
  )
  await auth.refresh()
  t.equal(stored.get('latchkey.auth.test_.refresh_token'), 'token-2, stored by another process')
})

t.test('a session is not ended for a token that another process has replaced', async (t) => {
  const stored = new Map<string, string>()
  const { auth } = await signedIn(
    () => {
      stored.set('latchkey.auth.test_.refresh_token', 'token of a new session')
      return problem(401, 'session_ended', { reason: 'logged_out' })
    },
    { mode: 'body', storage: storageIn(stored) }
  )
  await t.rejects(auth.refresh())
  t.equal(stored.get('latchkey.auth.test_.refresh_token'), 'token of a new session')
})

t.test('body mode without a stored token asks nobody', async (t) => {
  const { auth, place } = clientAt(() => tokens(), { mode: 'body' })
  t.equal(await auth.getAccessToken(), undefined)
  t.strictSame(auth.state, isOut)
  t.strictSame(place.sent, [])
})

t.test('access mode has nothing to renew, and says when the token has run out', async (t) => {
  const { auth, place, told } = await signedIn(() => tokens(), { mode: 'access' })
  await place.pass(599_999)
  t.ok(await auth.getAccessToken())
  await place.pass(1)
  t.strictSame(told.at(-1), { ...isOut, reason: 'token_expired' })
  t.equal(await auth.getAccessToken(), undefined)
  t.strictSame(place.sent, [])
})

t.test('access mode finds out that the session was revoked', async (t) => {
  const { auth, place } = await signedIn(() => problem(401, 'session_revoked'), { mode: 'access' })
  t.equal((await auth.fetch('/things')).status, 401)
  t.strictSame(auth.state, { ...isOut, reason: 'session_revoked' })
  t.strictSame(place.sent, ['GET /things', 'GET /me'])
})

t.test('session mode sends the cookie and no token, and finds out that the session was revoked', async (t) => {
  const { auth, place } = clientAt(() => answer(200, { session_id: 's1' }), { mode: 'session' })
  await auth.fetch('/things')
  t.equal(place.requests[0]?.credentials, 'include')
  t.equal(place.requests[0]?.headers.get('authorization'), null)
  await auth.refresh()
  t.strictSame(auth.state, { status: 'signed_in', sessionId: 's1' })
  place.answer = () => problem(401, 'session_revoked')
  await auth.fetch('/things')
  t.strictSame(auth.state, { ...isOut, reason: 'session_revoked' })
})

t.test('a logout that nobody heard is told, and changes nothing', async (t) => {
  const { auth, place, told } = await signedIn(() => problem(503, 'unavailable'))
  await t.rejects(auth.logout(), { code: 'unavailable' })
  t.equal(auth.state.status, 'signed_in')
  place.answer = () => new Response(null, { status: 204 })
  await auth.logout()
  t.strictSame(told.at(-1), { ...isOut, reason: 'logged_out' })
  t.equal(await auth.getAccessToken(), undefined)
})

t.test('a logout waits for a refresh, so that its answer signs nobody in again', async (t) => {
  let finish = (_: Response) => {}
  const { auth, place } = await signedIn((request) =>
    request.url.endsWith('/refresh')
      ? new Promise((resolve) => (finish = resolve))
      : new Response(null, { status: 204 })
  )
  const refreshed = auth.refresh()
  const loggedOut = auth.logout()
  await settled()
  t.strictSame(place.sent, ['POST /refresh'])
  finish(tokens())
  await Promise.all([refreshed, loggedOut])
  t.strictSame(auth.state, { ...isOut, reason: 'logged_out' })
})

t.test('what a login is refused with reaches the app', async (t) => {
  const { auth, place, told } = clientAt(() =>
    problem(400, 'invalid_request', { detail: 'See errors.', errors: [{ field: 'email', message: 'is none' }] })
  )
  await t.rejects(auth.register(person), {
    message: 'See errors.',
    status: 400,
    code: 'invalid_request',
    errors: [{ field: 'email', message: 'is none' }]
  })
  t.strictSame(place.sent, ['POST /register'])
  t.strictSame(told, [])
})

t.test('revoking this device signs out', async (t) => {
  const { auth } = await signedIn((request) =>
    request.url.endsWith('/sessions') ? answer(200, { revoked: 2 }) : new Response(null, { status: 204 })
  )
  t.equal(await auth.revokeOthers(), 2)
  await auth.revoke('s2')
  t.equal(auth.state.status, 'signed_in')
  await auth.revoke('s1')
  t.strictSame(auth.state, { ...isOut, reason: 'revoked_by_user' })
})

t.test('a listener that throws is not taken for a failure, and one that left hears nothing', async (t) => {
  const { auth } = clientAt(() => tokens())
  const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve))
  auth.onChange(() => {
    throw new Error("the app's own mistake")
  })
  auth.onChange(() => t.fail('this one left'))()
  await auth.refresh()
  t.match(await uncaught, { message: "the app's own mistake" })
})

t.test('where there is a page, baseURL may be a path, or be left out', async (t) => {
  for (const [baseURL, path] of [
    [undefined, '/refresh'],
    ['/auth', '/auth/refresh']
  ] as const) {
    const place = new Place(() => tokens(), fakeBrowser())
    await createAuthClient(baseURL === undefined ? {} : { baseURL }, place).refresh()
    t.strictSame(place.sent, [`POST ${path}`])
    t.equal(new URL(place.requests[0]?.url ?? '').origin, 'https://app.test')
  }
  t.throws(() => createAuthClient({ baseURL: '/auth' }, new Place(() => tokens())), { code: 'ERR_INVALID_URL' })
})

function storageIn(stored: Map<string, string>) {
  return {
    get: (name: string): string | undefined | Promise<string> => stored.get(name),
    set: (name: string, value: string): unknown => stored.set(name, value),
    remove: (name: string) => stored.delete(name)
  }
}
