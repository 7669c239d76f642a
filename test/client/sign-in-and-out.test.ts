import t from 'tap'
import { jsonResponse, problemResponse, settled, tokenResponse } from '../support/client/fake-runtime.js'
import { createClient, isOut, person, signedIn } from '../support/client/fake-service.js'

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
