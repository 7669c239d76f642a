import t from 'tap'
import { createAuthClient } from '../../src/client/client.js'
import type { AuthClientOptions, AuthState } from '../../src/client/index.js'
import {
  FakeRuntime,
  fakeBrowser,
  jsonResponse,
  problemResponse,
  settled,
  tokenResponse
} from '../support/client/fake-runtime.js'

const baseURL = 'https://auth.test'
const person = { email: 'ada@example.org', password: 'a rather long password' }

/** A client of a fake service, and the states that it has reported. */
function createClient(service: FakeRuntime['service'], options: AuthClientOptions = {}) {
  const runtime = new FakeRuntime(service)
  const auth = createAuthClient({ baseURL, ...options }, runtime)
  const states: AuthState[] = []
  auth.onChange((state) => states.push(state))
  return { runtime, auth, states }
}

/** A client that is signed in. The requests of the login are not recorded. */
async function signedIn(service: FakeRuntime['service'], options: AuthClientOptions = {}) {
  const client = createClient(() => tokenResponse({ refresh_token: 'token-1' }), options)
  await client.auth.login(person)
  client.runtime.sent.splice(0)
  client.runtime.requests.splice(0)
  client.runtime.service = service
  return client
}

const isOut = { status: 'signed_out' } as const

t.test('concurrent callers share one refresh', async (t) => {
  const { auth, runtime } = createClient((request) =>
    request.url.endsWith('/refresh') ? tokenResponse() : jsonResponse(200, {})
  )
  await Promise.all(Array.from({ length: 10 }, () => auth.fetch('/things')))
  t.equal(runtime.sent.filter((sent) => sent === 'POST /refresh').length, 1)
  t.equal(new Set(runtime.requests.slice(1).map(({ headers }) => headers.get('authorization'))).size, 1)
})

t.test('concurrent callers share the retry attempts of one refresh', async (t) => {
  const { auth, runtime } = await signedIn(() => problemResponse(503, 'unavailable'))
  const refused = Promise.all(Array.from({ length: 10 }, () => t.rejects(auth.refresh(), { code: 'unavailable' })))
  await runtime.advance(10_000)
  await refused
  t.equal(runtime.sent.length, 3)
})

t.test('every refresh of a session sends the same idempotency key, and another session has another key', async (t) => {
  const { auth, runtime } = await signedIn(() => tokenResponse())
  const keys = () => runtime.requests.splice(0).map(({ headers }) => headers.get('idempotency-key'))
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

t.test('a refresh times out after ten seconds and is repeated with the same idempotency key', async (t) => {
  const { auth, runtime } = await signedIn(() => undefined)
  const refreshed = auth.refresh()
  await runtime.advance(9999)
  t.equal(runtime.sent.length, 1)
  runtime.service = () => tokenResponse()
  await runtime.advance(2000)
  await refreshed
  const [first, second] = runtime.requests
  t.equal(first?.signal.aborted, true)
  t.equal(second?.headers.get('idempotency-key'), first?.headers.get('idempotency-key'))
})

const temporary: Record<string, () => Response | Promise<Response>> = {
  'a network that is down': () => Promise.reject(new TypeError('fetch failed')),
  429: () => problemResponse(429, 'too_many_requests'),
  500: () => problemResponse(500, 'internal_error'),
  503: () => problemResponse(503, 'unavailable'),
  'the 502 of a proxy': () => new Response('<h1>Bad gateway</h1>', { status: 502 }),
  'an empty answer, of something else': () => new Response(),
  'an answer to another question': () => jsonResponse(200, {}),
  'the login page of a hotel': () => new Response('<h1>Welcome</h1>')
}
for (const [name, service] of Object.entries(temporary)) {
  t.test(`${name} is retried and signs nobody out`, async (t) => {
    const { auth, runtime, states } = await signedIn(service)
    const refused = t.rejects(auth.refresh(), { name: 'AuthError', isTemporary: true })
    await runtime.advance(10_000)
    await refused
    t.equal(runtime.sent.length, 3, 'is tried three times')
    runtime.service = () => tokenResponse()
    await auth.refresh()
    t.strictSame(states, [{ status: 'signed_in', sessionId: 's1' }])
  })
}

t.test('a refresh waits for Retry-After before it is repeated', async (t) => {
  const { auth, runtime } = await signedIn(() => problemResponse(503, 'unavailable', {}, { 'retry-after': '5' }))
  const refreshed = auth.refresh()
  await runtime.advance(4999)
  t.equal(runtime.sent.length, 1)
  runtime.service = () => tokenResponse()
  await runtime.advance(1)
  await refreshed
  t.equal(runtime.sent.length, 2)
})

t.test('a long Retry-After rejects the refresh, and no request is sent before it has passed', async (t) => {
  for (const retryAfter of ['60', new Date(1_060_000).toUTCString()]) {
    const { auth, runtime } = await signedIn(() =>
      problemResponse(429, 'too_many_requests', {}, { 'retry-after': retryAfter })
    )
    const error = { code: 'too_many_requests', retryAfterSeconds: 60 }
    await t.rejects(auth.refresh(), error)
    await runtime.advance(40_000)
    await t.rejects(auth.refresh(), { code: 'too_many_requests' })
    t.equal(runtime.sent.length, 1)
    runtime.service = () => tokenResponse()
    await runtime.advance(20_000)
    await auth.refresh()
    t.equal(runtime.sent.length, 2)
  }
})

t.test('session_ended and invalid_refresh_token sign the client out, with the reason', async (t) => {
  for (const [refusal, reason] of [
    [problemResponse(401, 'session_ended', { reason: 'reuse_detected' }), 'reuse_detected'],
    [problemResponse(401, 'invalid_refresh_token'), 'invalid_refresh_token']
  ] as const) {
    const stored = new Map<string, string>()
    const { auth, runtime, states } = await signedIn(() => refusal, { mode: 'body', storage: storageIn(stored) })
    await t.rejects(auth.refresh(), { name: 'AuthError', status: 401, isTemporary: false })
    t.strictSame(states.at(-1), { ...isOut, reason })
    t.equal(await auth.getAccessToken(), undefined)
    t.equal(stored.size, 0)
    t.equal(runtime.sent.length, 1, 'no further attempt')
  }
})

t.test('no other error of a refresh signs the client out', async (t) => {
  for (const refusal of [
    problemResponse(403, 'forbidden_origin'),
    problemResponse(400, 'ambiguous_credentials'),
    problemResponse(401, 'other')
  ]) {
    const { auth, runtime } = await signedIn(() => refusal)
    await t.rejects(auth.refresh(), { name: 'AuthError', isTemporary: false })
    t.equal(auth.state.status, 'signed_in')
    t.equal(runtime.sent.length, 1, 'no retry')
  }
})

t.test('a browser without a cookie is signed out, and keeps what it has stored', async (t) => {
  const stored = new Map<string, string>()
  const { auth, runtime } = createClient(() => problemResponse(401, 'missing_credentials'), {
    storage: storageIn(stored)
  })
  t.equal(auth.state.status, 'unknown')
  t.equal(await auth.getAccessToken(), undefined)
  t.strictSame(auth.state, isOut)
  t.equal(stored.size, 1)
  runtime.service = () => tokenResponse()
  await auth.refresh()
  t.equal(auth.state.status, 'signed_in')
})

t.test('a token expires expires_in seconds after its response arrived', async (t) => {
  const { auth, runtime } = await signedIn(() => tokenResponse())
  const first = await auth.getAccessToken()
  await runtime.advance(0)
  runtime.timers.clear()
  runtime.time += 599_999
  t.equal(await auth.getAccessToken(), first)
  runtime.time += 1
  t.not(await auth.getAccessToken(), first)
})

t.test('a used token is renewed before it expires, an unused token is not', async (t) => {
  const { auth, runtime } = await signedIn(() => tokenResponse())
  await auth.getAccessToken()
  // (0.75 + 0.15 * 0.5) of ten minutes.
  await runtime.advance(494_999)
  t.equal(runtime.sent.length, 0)
  await runtime.advance(1)
  t.equal(runtime.sent.length, 1)
  await runtime.advance(3_600_000)
  t.equal(runtime.sent.length, 1)
})

t.test('renewal before expiry goes on during an outage, with growing pauses', async (t) => {
  const { auth, runtime } = await signedIn(() => problemResponse(503, 'unavailable'))
  await auth.getAccessToken()
  await runtime.advance(3_600_000)
  t.ok(runtime.sent.length > 30 && runtime.sent.length < 200, `${runtime.sent.length} attempts in an hour`)
  runtime.service = () => tokenResponse()
  await runtime.advance(90_000)
  t.ok(await auth.getAccessToken())
  t.equal(auth.state.status, 'signed_in')
})

t.test('close stops the timers', async (t) => {
  const { auth, runtime } = await signedIn(() => tokenResponse())
  await auth.getAccessToken()
  auth.close()
  t.equal(runtime.timers.size, 0)
  await auth.refresh()
  t.equal(runtime.timers.size, 0)
})

for (const code of ['token_expired', 'invalid_token', 'session_revoked']) {
  t.test(`after ${code}, fetch renews the token once and repeats the request once`, async (t) => {
    const bodies: string[] = []
    const { auth, runtime } = await signedIn(async (request) => {
      if (request.url.endsWith('/refresh')) return tokenResponse()
      bodies.push(await request.text())
      return problemResponse(401, code)
    })
    const response = await auth.fetch('/things', { method: 'POST', body: 'the body' })
    t.equal(response.status, 401)
    t.match(await response.json(), { code }, 'the body can still be read')
    t.strictSame(runtime.sent, ['POST /things', 'POST /refresh', 'POST /things'])
    t.strictSame(bodies, ['the body', 'the body'])
    const [first, , second] = runtime.requests.map(({ headers }) => headers.get('authorization'))
    t.not(first, second)
  })
}

t.test('fetch also renews the token if only the challenge says invalid_token', async (t) => {
  const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' }
  const { auth, runtime } = await signedIn((request) =>
    request.url.endsWith('/refresh') ? tokenResponse() : new Response('no', { status: 401, headers: challenge })
  )
  await auth.fetch('/things')
  t.strictSame(runtime.sent, ['GET /things', 'POST /refresh', 'GET /things'])
})

t.test('a 401 for a wrong password renews no token and repeats no request', async (t) => {
  const { auth, runtime } = await signedIn(() => problemResponse(401, 'invalid_credentials'))
  t.equal((await auth.fetch('/password', { method: 'POST', body: '{}' })).status, 401)
  t.strictSame(runtime.sent, ['POST /password'])
})

t.test('no other status than 401 renews the token', async (t) => {
  for (const status of [200, 403]) {
    const { auth, runtime } = await signedIn(() => problemResponse(status, 'invalid_token'))
    t.equal((await auth.fetch('/things')).status, status)
    t.strictSame(runtime.sent, ['GET /things'])
  }
})

t.test('a late 401 for a replaced token causes no second refresh', async (t) => {
  let refuseLate = (_: Response) => {}
  const { auth, runtime } = await signedIn((request) => {
    if (request.url.endsWith('/refresh')) return tokenResponse()
    if (request.url.endsWith('/late')) return new Promise((resolve) => (refuseLate = resolve))
    return jsonResponse(200, {})
  })
  const late = auth.fetch('/late')
  await settled()
  await auth.refresh()
  const refusal = refuseLate
  refusal(problemResponse(401, 'token_expired'))
  await settled()
  refuseLate(jsonResponse(200, {}))
  t.equal((await late).status, 200)
  t.strictSame(runtime.sent, ['GET /late', 'POST /refresh', 'GET /late'])
})

t.test('fetch rejects if the token it needs cannot be renewed for now', async (t) => {
  const { auth, runtime } = await signedIn(() => problemResponse(503, 'unavailable', {}, { 'retry-after': '60' }))
  runtime.time += 600_000
  await t.rejects(auth.fetch('/things'), { code: 'unavailable', isTemporary: true })
  t.strictSame(runtime.sent, ['POST /refresh'])
})

t.test('fetch returns the 401 if the session has ended', async (t) => {
  const { auth } = await signedIn((request) =>
    request.url.endsWith('/refresh')
      ? problemResponse(401, 'session_ended', { reason: 'revoked_by_admin' })
      : problemResponse(401, 'session_revoked')
  )
  t.equal((await auth.fetch('/things')).status, 401)
  t.strictSame(auth.state, { ...isOut, reason: 'revoked_by_admin' })
})

t.test('only trusted origins receive the token', async (t) => {
  const { auth, runtime } = await signedIn(() => jsonResponse(200, {}), { origins: ['https://api.test/v1'] })
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
      runtime.requests.splice(0).map(({ headers }) => headers.get('authorization')),
      [authorization, authorization],
      address
    )
    t.equal(auth.trusts(address), authorization !== null)
  }
  await auth.fetch('/things', { headers: { authorization: 'Basic mine' } })
  t.equal(runtime.requests[0]?.headers.get('authorization'), 'Basic mine', "the caller's own header stays")
})

t.test('paths resolve against baseURL as in a browser', async (t) => {
  const { auth, runtime } = await signedIn(() => tokenResponse(), { baseURL: 'https://app.test/auth' })
  await auth.refresh()
  await auth.fetch('me')
  await auth.fetch('/reports')
  t.strictSame(runtime.sent, ['POST /auth/refresh', 'GET /auth/me', 'GET /reports'])
})

t.test('body mode keeps the refresh token in storage and sends no cookie', async (t) => {
  const stored = new Map<string, string>()
  const storage = storageIn(stored)
  const { auth, runtime } = await signedIn(() => tokenResponse({ refresh_token: 'token-2' }), { mode: 'body', storage })
  await auth.refresh()
  const [request] = runtime.requests
  t.strictSame(await request?.json(), { refresh_token: 'token-1' })
  t.equal(request?.credentials, 'omit')
  t.strictSame([...stored.keys()], ['latchkey.auth.test_.key', 'latchkey.auth.test_.refresh_token'])
  t.equal(stored.get('latchkey.auth.test_.refresh_token'), 'token-2')

  const restarted = createClient(() => tokenResponse({ refresh_token: 'token-2' }), { mode: 'body', storage })
  await restarted.auth.refresh()
  const [resent] = restarted.runtime.requests
  t.strictSame(await resent?.json(), { refresh_token: 'token-2' })
  t.equal(resent?.headers.get('idempotency-key'), request?.headers.get('idempotency-key'))
})

t.test('body mode keeps the device token after a logout and sends it only with the next login', async (t) => {
  const storage = storageIn(new Map())
  const { auth, runtime } = await signedIn(() => tokenResponse(), { mode: 'body', storage })
  await auth.login(person)
  t.notMatch(await runtime.requests[0]?.text(), 'device_token', 'there is no device token yet')
  runtime.service = () => tokenResponse({ refresh_token: 'token-1', device_token: 'device-1' })
  await auth.login(person)
  runtime.service = () => jsonResponse(204)
  await auth.logout()

  runtime.requests.splice(0)
  runtime.service = () => tokenResponse({ refresh_token: 'token-2' })
  await auth.register(person)
  await auth.login(person)
  const [registration, login] = runtime.requests
  t.notMatch(await registration?.text(), 'device_token')
  t.match(await login?.json(), { device_token: 'device-1' })
})

t.test('a storage that fails signs nobody out', async (t) => {
  const stored = new Map<string, string>()
  const storage = storageIn(stored)
  const { auth, runtime } = await signedIn(() => tokenResponse({ refresh_token: 'token-2' }), { mode: 'body', storage })
  storage.get = () => Promise.reject(new Error('the keychain is locked'))
  const refused = t.rejects(auth.refresh(), { code: 'storage_error', isTemporary: true })
  await runtime.advance(5000)
  await refused
  t.equal(auth.state.status, 'signed_in')

  storage.get = (name) => stored.get(name)
  storage.set = () => {
    throw new Error('the keychain is full')
  }
  await auth.refresh()
  runtime.requests.splice(0)
  await auth.refresh()
  t.strictSame(await runtime.requests[0]?.json(), { refresh_token: 'token-2' }, 'the token stays in memory')
})

t.test('an unchanged refresh token does not overwrite a newer one in storage', async (t) => {
  const stored = new Map<string, string>()
  const { auth } = await signedIn(
    () => {
      stored.set('latchkey.auth.test_.refresh_token', 'token-2, stored by another process')
      return tokenResponse({ refresh_token: 'token-1' })
    },
    { mode: 'body', storage: storageIn(stored) }
  )
  await auth.refresh()
  t.equal(stored.get('latchkey.auth.test_.refresh_token'), 'token-2, stored by another process')
})

t.test('invalid_refresh_token signs nobody out if another process has replaced the token', async (t) => {
  const stored = new Map<string, string>()
  const { auth } = await signedIn(
    () => {
      stored.set('latchkey.auth.test_.refresh_token', 'token of a new session')
      return problemResponse(401, 'session_ended', { reason: 'logged_out' })
    },
    { mode: 'body', storage: storageIn(stored) }
  )
  await t.rejects(auth.refresh())
  t.equal(stored.get('latchkey.auth.test_.refresh_token'), 'token of a new session')
})

t.test('body mode without a stored token sends no request', async (t) => {
  const { auth, runtime } = createClient(() => tokenResponse(), { mode: 'body' })
  t.equal(await auth.getAccessToken(), undefined)
  t.strictSame(auth.state, isOut)
  t.strictSame(runtime.sent, [])
})

t.test('access mode renews nothing and is signed out when the token expires', async (t) => {
  const { auth, runtime, states } = await signedIn(() => tokenResponse(), { mode: 'access' })
  await runtime.advance(599_999)
  t.ok(await auth.getAccessToken())
  await runtime.advance(1)
  t.strictSame(states.at(-1), { ...isOut, reason: 'token_expired' })
  t.equal(await auth.getAccessToken(), undefined)
  t.strictSame(runtime.sent, [])
})

t.test('access mode is signed out when the session was revoked', async (t) => {
  const { auth, runtime } = await signedIn(() => problemResponse(401, 'session_revoked'), { mode: 'access' })
  t.equal((await auth.fetch('/things')).status, 401)
  t.strictSame(auth.state, { ...isOut, reason: 'session_revoked' })
  t.strictSame(runtime.sent, ['GET /things', 'GET /me'])
})

t.test('session mode sends the cookie and no token, and is signed out when the session was revoked', async (t) => {
  const { auth, runtime } = createClient(() => jsonResponse(200, { session_id: 's1' }), { mode: 'session' })
  await auth.fetch('/things')
  t.equal(runtime.requests[0]?.credentials, 'include')
  t.equal(runtime.requests[0]?.headers.get('authorization'), null)
  await auth.refresh()
  t.strictSame(auth.state, { status: 'signed_in', sessionId: 's1' })
  runtime.service = () => problemResponse(401, 'session_revoked')
  await auth.fetch('/things')
  t.strictSame(auth.state, { ...isOut, reason: 'session_revoked' })
})

t.test('a logout that does not reach the service rejects and changes nothing', async (t) => {
  const { auth, runtime, states } = await signedIn(() => problemResponse(503, 'unavailable'))
  await t.rejects(auth.logout(), { code: 'unavailable' })
  t.equal(auth.state.status, 'signed_in')
  runtime.service = () => new Response(null, { status: 204 })
  await auth.logout()
  t.strictSame(states.at(-1), { ...isOut, reason: 'logged_out' })
  t.equal(await auth.getAccessToken(), undefined)
})

t.test('a logout waits for a running refresh, whose response would sign the user in again', async (t) => {
  let finish = (_: Response) => {}
  const { auth, runtime } = await signedIn((request) =>
    request.url.endsWith('/refresh')
      ? new Promise((resolve) => (finish = resolve))
      : new Response(null, { status: 204 })
  )
  const refreshed = auth.refresh()
  const loggedOut = auth.logout()
  await settled()
  t.strictSame(runtime.sent, ['POST /refresh'])
  finish(tokenResponse())
  await Promise.all([refreshed, loggedOut])
  t.strictSame(auth.state, { ...isOut, reason: 'logged_out' })
})

t.test('the error of a login has the code and the fields of the response', async (t) => {
  const { auth, runtime, states } = createClient(() =>
    problemResponse(400, 'invalid_request', { detail: 'See errors.', errors: [{ field: 'email', message: 'is none' }] })
  )
  await t.rejects(auth.register(person), {
    message: 'See errors.',
    status: 400,
    code: 'invalid_request',
    errors: [{ field: 'email', message: 'is none' }]
  })
  t.strictSame(runtime.sent, ['POST /register'])
  t.strictSame(states, [])
})

t.test('revoking the own session signs the client out', async (t) => {
  const { auth } = await signedIn((request) =>
    request.url.endsWith('/sessions') ? jsonResponse(200, { revoked: 2 }) : new Response(null, { status: 204 })
  )
  t.equal(await auth.revokeOthers(), 2)
  await auth.revoke('s2')
  t.equal(auth.state.status, 'signed_in')
  await auth.revoke('s1')
  t.strictSame(auth.state, { ...isOut, reason: 'revoked_by_user' })
})

t.test('a listener that throws fails no request, and a removed listener is not called', async (t) => {
  const { auth } = createClient(() => tokenResponse())
  const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve))
  auth.onChange(() => {
    throw new Error("the app's own mistake")
  })
  auth.onChange(() => t.fail('this one left'))()
  await auth.refresh()
  t.match(await uncaught, { message: "the app's own mistake" })
})

t.test('in a page, baseURL may be a path or left out', async (t) => {
  for (const [baseURL, path] of [
    [undefined, '/refresh'],
    ['/auth', '/auth/refresh']
  ] as const) {
    const runtime = new FakeRuntime(() => tokenResponse(), fakeBrowser())
    await createAuthClient(baseURL === undefined ? {} : { baseURL }, runtime).refresh()
    t.strictSame(runtime.sent, [`POST ${path}`])
    t.equal(new URL(runtime.requests[0]?.url ?? '').origin, 'https://app.test')
  }
  t.throws(() => createAuthClient({ baseURL: '/auth' }, new FakeRuntime(() => tokenResponse())), {
    code: 'ERR_INVALID_URL'
  })
})

function storageIn(stored: Map<string, string>) {
  return {
    get: (name: string): string | undefined | Promise<string> => stored.get(name),
    set: (name: string, value: string): unknown => stored.set(name, value),
    remove: (name: string) => stored.delete(name)
  }
}
