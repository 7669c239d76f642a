import t from 'tap'
import { refreshTimeoutSeconds } from '../../src/core/policy.js'
import { jsonResponse, problemResponse, tokenResponse } from '../support/client/fake-runtime.js'
import { createClient, isOut, person, signedIn } from '../support/client/fake-service.js'
import { storageIn } from '../support/client/storage.js'

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
  const { auth, runtime } = await signedIn(() => tokenResponse(), { storage: storageIn(new Map()) })
  const keys = () => runtime.requests.splice(0).map(({ headers }) => headers.get('idempotency-key'))
  await auth.refresh()
  await auth.refresh()
  const [first, second] = keys()
  t.match(first, /^[\d-]{16,}$/)
  t.equal(first, second)
  await auth.login(person)
  keys()
  await auth.refresh()
  t.not(keys()[0], first)
})

t.test('a refresh times out after `refreshTimeoutSeconds` and is repeated with the same idempotency key', async (t) => {
  const { auth, runtime } = await signedIn(() => undefined, { storage: storageIn(new Map()) })
  const refreshed = auth.refresh()
  await runtime.advance(refreshTimeoutSeconds * 1000 - 1)
  t.equal(runtime.requests[0]?.signal.aborted, false)
  await runtime.advance(1)
  t.equal(runtime.requests[0]?.signal.aborted, true)
  runtime.service = () => tokenResponse()
  await runtime.advance(1000)
  await refreshed
  const [first, second] = runtime.requests
  t.ok(first?.headers.get('idempotency-key'))
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
  for (const refusal of [problemResponse(403, 'forbidden_origin'), problemResponse(401, 'other')]) {
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
