import t from 'tap'
import { jsonResponse, problemResponse, settled, tokenResponse } from '../support/client/fake-runtime.js'
import { createClient, isOut, person, signedIn } from '../support/client/fake-service.js'

const lastBody = async ({ requests }: { readonly requests: readonly Request[] }) => requests.at(-1)?.json()

t.test('an account whose address must be confirmed begins no session until verifyEmail', async (t) => {
  const { auth, runtime, states } = createClient(() => jsonResponse(202, {}))
  t.equal(await auth.register({ ...person, locale: 'de' }), false)
  t.match(await lastBody(runtime), { ...person, locale: 'de', mode: 'cookie' })
  t.strictSame(states, [])

  runtime.service = () => tokenResponse()
  t.equal(await auth.verifyEmail({ token: 'mailed', device: 'laptop' }), true)
  t.match(await lastBody(runtime), { token: 'mailed', device: 'laptop', mode: 'cookie' })
  t.strictSame(runtime.sent, ['POST /register', 'POST /email/verification/confirm'])
  t.strictSame(auth.state, { status: 'signed_in', sessionId: 's1' })
})

t.test('a live session survives a registration and a confirmation that begin no session', async (t) => {
  const { auth, runtime, states } = await signedIn(() => jsonResponse(202, {}), { mode: 'body' })
  const token = await auth.getAccessToken()
  t.equal(await auth.register(person), false)
  runtime.service = () => new Response(null, { status: 204 })
  t.equal(await auth.verifyEmail({ token: 'mailed' }), false)
  await settled()
  t.strictSame(runtime.sent, ['POST /register', 'POST /email/verification/confirm'], 'nothing was logged out')
  t.equal(await auth.getAccessToken(), token)
  t.equal(states.length, 1)
})

t.test('in body mode verifyEmail ends the session that it replaces, like a login', async (t) => {
  const { auth, runtime } = await signedIn(() => tokenResponse({ session_id: 's2', refresh_token: 'token-2' }), {
    mode: 'body'
  })
  t.equal(await auth.verifyEmail({ token: 'mailed' }), true)
  await settled()
  t.strictSame(runtime.sent, ['POST /email/verification/confirm', 'POST /logout'])
  t.strictSame(await lastBody(runtime), { refresh_token: 'token-1' })
  t.match(auth.state, { sessionId: 's2' })
})

t.test('a login that is answered without a session fails: the answer is not the service’s', async (t) => {
  const { auth } = createClient(() => jsonResponse(200, {}))
  await t.rejects(auth.login(person), { code: 'network_error', isTemporary: true })
  t.equal(await auth.register(person), false)
})

t.test('the methods for a password and an address send what the service requires, and change no state', async (t) => {
  const { auth, runtime, states } = await signedIn((request) =>
    request.url.endsWith('/reset') ? new Response(null, { status: 204 }) : jsonResponse(202, {})
  )
  await auth.forgotPassword({ email: 'ada@example.org' })
  t.strictSame(await lastBody(runtime), { email: 'ada@example.org' })
  await auth.resetPassword({ token: 'mailed', newPassword: 'a better password' })
  t.strictSame(await lastBody(runtime), { token: 'mailed', new_password: 'a better password' })
  await auth.changeEmail({ newEmail: 'lovelace@example.org' })
  t.strictSame(await lastBody(runtime), { new_email: 'lovelace@example.org' })
  t.strictSame(runtime.sent, ['POST /password/forgot', 'POST /password/reset', 'POST /email'])
  const credentials = runtime.requests.map(({ headers }) => headers.has('authorization'))
  t.strictSame(credentials, [false, false, true], 'only the change of the address is done as the user')
  t.equal(states.length, 1)

  runtime.service = () => problemResponse(400, 'invalid_or_expired_token')
  await t.rejects(auth.resetPassword({ token: 'used', newPassword: 'a better password' }), {
    code: 'invalid_or_expired_token'
  })
  await t.rejects(auth.verifyEmail({ token: 'used' }), { code: 'invalid_or_expired_token' })
  t.not(auth.state.status, isOut.status)
})
