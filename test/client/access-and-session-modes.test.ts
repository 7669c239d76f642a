import t from 'tap'
import { jsonResponse, problemResponse, tokenResponse } from '../support/client/fake-runtime.js'
import { createClient, isOut, signedIn } from '../support/client/fake-service.js'

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
  const refused = auth.fetch('/things')
  await runtime.advance(1000)
  t.equal((await refused).status, 401)
  t.strictSame(auth.state, { ...isOut, reason: 'session_revoked' })
})
