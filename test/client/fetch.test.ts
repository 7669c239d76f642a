import t from 'tap'
import { createAuthClient } from '../../src/client/client.js'
import {
  FakeRuntime,
  fakeBrowser,
  jsonResponse,
  problemResponse,
  settled,
  tokenResponse
} from '../support/client/fake-runtime.js'
import { baseURL, isOut, signedIn } from '../support/client/fake-service.js'

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

t.test('in session mode a request that got 401 is repeated once if the session was replaced meanwhile', async (t) => {
  const { auth, runtime } = await signedIn(
    (request) =>
      request.url.endsWith('/me') ? jsonResponse(200, { session_id: 's2' }) : problemResponse(401, 'session_revoked'),
    { mode: 'session' }
  )
  t.equal((await auth.fetch('/things')).status, 401)
  t.strictSame(runtime.sent, ['GET /things', 'GET /me', 'GET /things'])
})

t.test('a 401 whose body cannot be read is returned as it is', async (t) => {
  const { auth } = await signedIn(
    () => new Response(new ReadableStream({ start: (body) => body.error(new Error('lost')) }), { status: 401 })
  )
  t.equal((await auth.fetch('/things')).status, 401)
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
