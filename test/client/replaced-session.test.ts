import t from 'tap'
import { createAuthClient } from '../../src/client/client.js'
import {
  FakeRuntime,
  fakeBrowser,
  jsonResponse,
  openChannel,
  problemResponse,
  settled,
  tokenResponse
} from '../support/client/fake-runtime.js'
import { baseURL, isOut, person, signedIn } from '../support/client/fake-service.js'
import { storageIn } from '../support/client/storage.js'

const keyName = 'latchkey.auth.test_.key'
const tokenName = 'latchkey.auth.test_.refresh_token'
const replaced = () => problemResponse(401, 'session_ended', { reason: 'replaced' })
const change = { currentPassword: person.password, newPassword: 'another rather long password' }

t.test('in cookie mode a refresh of a replaced session is repeated with the newer cookie', async (t) => {
  const { auth, runtime, states } = await signedIn(replaced)
  const refreshed = auth.refresh()
  await runtime.advance(999)
  t.strictSame(runtime.sent, ['POST /refresh'], 'the cookie of the new session may still be on its way')
  runtime.service = () => tokenResponse({ session_id: 's2' })
  await runtime.advance(1)
  await refreshed
  t.strictSame(states.at(-1), { status: 'signed_in', sessionId: 's2' })
  t.notOk(states.some(({ status }) => status === 'signed_out'))
})

t.test('a refresh that finds the session replaced twice signs out', async (t) => {
  const { auth, runtime } = await signedIn(replaced)
  const refused = t.rejects(auth.refresh(), { code: 'session_ended', reason: 'replaced' })
  await runtime.advance(2000)
  await refused
  t.strictSame(auth.state, { ...isOut, reason: 'replaced' })
  t.equal(runtime.sent.length, 2)
})

t.test('if a login has also replaced a session that ended for another reason, the newer cookie is tried', async (t) => {
  for (const hasChannel of [true, false]) {
    const { BroadcastChannel, ...without } = fakeBrowser()
    const browser = hasChannel ? { ...without, BroadcastChannel } : without
    const runtime = new FakeRuntime(() => tokenResponse(), browser)
    const auth = createAuthClient({ baseURL }, runtime)
    await auth.login(person)
    runtime.service = () => problemResponse(401, 'session_ended', { reason: 'revoked_by_admin', replaced: true })
    const states: string[] = []
    auth.onChange(({ status }) => states.push(status))
    const refreshed = auth.refresh()
    await runtime.advance(999)
    runtime.service = () => tokenResponse({ session_id: 's2' })
    await runtime.advance(1)
    await refreshed
    t.strictSame(auth.state, { status: 'signed_in', sessionId: 's2' })
    t.notOk(states.includes('signed_out'))
  }
})

t.test("if a thief's login has replaced the ended session elsewhere, the client learns the first reason", async (t) => {
  const { auth, runtime } = await signedIn(() =>
    problemResponse(401, 'session_ended', { reason: 'reuse_detected', replaced: true })
  )
  const refused = t.rejects(auth.refresh(), { code: 'session_ended', reason: 'reuse_detected', replaced: true })
  await runtime.advance(1000)
  await refused
  t.strictSame(auth.state, { ...isOut, reason: 'reuse_detected' })
  t.strictSame(runtime.sent, ['POST /refresh', 'POST /refresh'])
})

t.test('a refresh with two cookies of one name is repeated at once, because the service has cleared one', async (t) => {
  for (const mode of ['cookie', 'session'] as const) {
    const { auth, runtime } = await signedIn(() => problemResponse(400, 'ambiguous_credentials'), { mode })
    let turns = 0
    const before = runtime.service
    runtime.service = (request) => {
      turns += 1
      return turns === 1 ? before(request) : tokenResponse({ session_id: 's1' })
    }
    await auth.refresh()
    t.equal(runtime.sent.length, 2)
    t.equal(auth.state.status, 'signed_in')
  }
})

t.test('a refresh that is ambiguous twice fails, and the person stays signed in', async (t) => {
  const { auth, runtime } = await signedIn(() => problemResponse(400, 'ambiguous_credentials'))
  await t.rejects(auth.refresh(), { code: 'ambiguous_credentials', isTemporary: false })
  t.equal(runtime.sent.length, 2)
  t.equal(auth.state.status, 'signed_in')
})

t.test('after an ambiguous refresh a replaced session is still tried once more', async (t) => {
  const { auth, runtime } = await signedIn(() => problemResponse(400, 'ambiguous_credentials'))
  let turns = 0
  const answers = [
    () => problemResponse(400, 'ambiguous_credentials'),
    replaced,
    () => tokenResponse({ session_id: 's2' })
  ]
  runtime.service = () => (answers[turns++] ?? replaced)()
  const refreshed = auth.refresh()
  await runtime.advance(1000)
  await refreshed
  t.strictSame(auth.state, { status: 'signed_in', sessionId: 's2' })
  t.equal(runtime.sent.length, 3)
})

t.test('a repeat that fails temporarily does not sign out', async (t) => {
  const { auth, runtime } = await signedIn(replaced)
  const refused = t.rejects(auth.refresh(), { code: 'unavailable', isTemporary: true })
  await runtime.advance(500)
  runtime.service = () => problemResponse(503, 'unavailable', {}, { 'retry-after': '60' })
  await runtime.advance(1000)
  await refused
  t.equal(auth.state.status, 'signed_in')
})

t.test('in body mode a refresh is repeated with the token that another process has stored', async (t) => {
  for (const reason of ['replaced', 'logged_out']) {
    const stored = new Map<string, string>()
    const { auth, runtime } = await signedIn(
      () => {
        stored.set(tokenName, 'token of a new session').set(keyName, 'key-of-the-new-session')
        return problemResponse(401, 'session_ended', { reason })
      },
      { mode: 'body', storage: storageIn(stored) }
    )
    const refreshed = auth.refresh()
    await runtime.advance(999)
    runtime.service = () => tokenResponse({ session_id: 's2', refresh_token: 'token of a new session' })
    await runtime.advance(1)
    await refreshed
    t.strictSame(await runtime.requests[1]?.json(), { refresh_token: 'token of a new session' })
    t.equal(runtime.requests[1]?.headers.get('idempotency-key'), 'key-of-the-new-session')
    t.strictSame(auth.state, { status: 'signed_in', sessionId: 's2' })
  }
})

t.test('in session mode a refused request is repeated, because the cookie of a new session may arrive', async (t) => {
  const { auth, runtime, states } = await signedIn(() => problemResponse(401, 'session_revoked'), { mode: 'session' })
  const refreshed = auth.refresh()
  await runtime.advance(999)
  runtime.service = () => jsonResponse(200, { session_id: 's2' })
  await runtime.advance(1)
  await refreshed
  t.strictSame(states.at(-1), { status: 'signed_in', sessionId: 's2' })
  t.notOk(states.some(({ status }) => status === 'signed_out'))
})

t.test('a refusal that arrives after another tab has signed in does not make the call fail', async (t) => {
  const browser = fakeBrowser({ withLocks: false, withStorage: false })
  let refuse = (_: Response) => {}
  const runtime = new FakeRuntime(() => new Promise((resolve) => (refuse = resolve)), browser)
  const auth = createAuthClient({ baseURL }, runtime)
  const other = openChannel(browser)
  const asked = auth.getAccessToken()
  await settled()
  other?.postMessage({ sessionId: 's2', accessToken: 'of s2', until: runtime.time + 600_000 })
  await settled()
  refuse(replaced())
  t.equal(await asked, 'of s2')
})

for (const mode of ['cookie', 'body', 'session', 'access'] as const) {
  t.test(`in ${mode} mode changePassword and reauthenticate continue with the new session`, async (t) => {
    const stored = new Map<string, string>()
    const { auth, runtime } = await signedIn(
      () => tokenResponse({ session_id: 's2', ...(mode === 'body' && { refresh_token: 'token-2' }) }),
      { mode, storage: storageIn(stored) }
    )
    const token = await auth.getAccessToken()
    const key = stored.get(keyName)
    await auth.changePassword(change)
    const [request] = runtime.requests
    t.strictSame(await request?.json(), {
      current_password: change.currentPassword,
      new_password: change.newPassword
    })
    t.equal(request?.headers.get('authorization'), mode === 'session' ? null : `Bearer ${token}`)
    t.equal(request?.credentials, mode === 'body' ? 'omit' : 'include')
    t.strictSame(auth.state, { status: 'signed_in', sessionId: 's2' })
    t.equal(stored.get(tokenName), mode === 'body' ? 'token-2' : undefined)
    if (mode === 'cookie' || mode === 'body') t.not(stored.get(keyName), key, 'the new session has a new key')
    if (mode !== 'session') t.not(await auth.getAccessToken(), token)

    runtime.service = () => tokenResponse({ session_id: 's3' })
    await auth.reauthenticate({ password: person.password })
    t.strictSame(await runtime.requests[1]?.json(), { password: person.password })
    t.strictSame(auth.state, { status: 'signed_in', sessionId: 's3' })
    t.strictSame(runtime.sent, ['POST /password', 'POST /reauthenticate'])
  })
}

t.test('a wrong password changes nothing, and the error says so', async (t) => {
  const stored = new Map<string, string>()
  const { auth, runtime } = await signedIn(() => problemResponse(401, 'invalid_credentials'), {
    storage: storageIn(stored)
  })
  const before = new Map(stored)
  await t.rejects(auth.changePassword(change), { name: 'AuthError', code: 'invalid_credentials' })
  await t.rejects(auth.reauthenticate({ password: 'wrong' }), { code: 'invalid_credentials' })
  t.strictSame(runtime.sent, ['POST /password', 'POST /reauthenticate'])
  t.strictSame(auth.state, { status: 'signed_in', sessionId: 's1' })
  t.strictSame(stored, before)
})

t.test('changePassword renews an access token that has expired or is refused, and waits for its turn', async (t) => {
  let refusals = 1
  const { auth, runtime } = await signedIn((request) => {
    if (request.url.endsWith('/refresh')) return tokenResponse()
    refusals -= 1
    return refusals < 0 ? tokenResponse({ session_id: 's2' }) : problemResponse(401, 'token_expired')
  })
  runtime.time += 600_000
  await auth.changePassword(change)
  t.strictSame(runtime.sent, ['POST /refresh', 'POST /password', 'POST /refresh', 'POST /password'])
  t.strictSame(auth.state, { status: 'signed_in', sessionId: 's2' })
})

t.test('a refresh waits while the password is changed, and then sends nothing', async (t) => {
  let answer = (_: Response) => {}
  const { auth, runtime } = await signedIn(() => new Promise((resolve) => (answer = resolve)))
  const changed = auth.changePassword(change)
  await settled()
  const refreshed = auth.refresh()
  await runtime.advance(100)
  answer(tokenResponse({ session_id: 's2' }))
  await runtime.advance(100)
  await Promise.all([changed, refreshed])
  t.strictSame(runtime.sent, ['POST /password'])
})

t.test('other tabs continue with the new session', async (t) => {
  const runtime = new FakeRuntime(() => tokenResponse(), fakeBrowser())
  const [here, there] = [1, 2].map(() => createAuthClient({ baseURL }, runtime))
  await here?.login(person)
  runtime.service = () => tokenResponse({ session_id: 's2' })
  await here?.changePassword(change)
  await settled()
  t.strictSame(there?.state, { status: 'signed_in', sessionId: 's2' })
  t.equal(await there?.getAccessToken(), await here?.getAccessToken())
})
