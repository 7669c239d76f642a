import t from 'tap'
import { problemResponse, tokenResponse } from '../support/client/fake-runtime.js'
import { signedIn } from '../support/client/fake-service.js'

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
