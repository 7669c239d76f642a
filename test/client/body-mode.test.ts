import t from 'tap'
import { jsonResponse, tokenResponse } from '../support/client/fake-runtime.js'
import { createClient, isOut, person, signedIn } from '../support/client/fake-service.js'
import { storageIn } from '../support/client/storage.js'

t.test('body mode keeps the refresh token in storage and sends no cookie', async (t) => {
  const stored = new Map<string, string>()
  const storage = storageIn(stored)
  const { auth, runtime } = await signedIn(() => tokenResponse({ refresh_token: 'token-2' }), { mode: 'body', storage })
  await auth.refresh()
  const [request] = runtime.requests
  t.strictSame(await request?.json(), { refresh_token: 'token-1' })
  t.equal(request?.credentials, 'omit')
  t.strictSame([...stored.keys()], ['latchkey.auth.test_.refresh_token', 'latchkey.auth.test_.key'])
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

t.test('body mode without a stored token sends no request', async (t) => {
  const { auth, runtime } = createClient(() => tokenResponse(), { mode: 'body' })
  t.equal(await auth.getAccessToken(), undefined)
  t.strictSame(auth.state, isOut)
  t.strictSame(runtime.sent, [])
})
