import t from 'tap'
import { createAuthClient } from '../../src/client/client.js'
import type { AuthClientOptions } from '../../src/client/index.js'
import { FakeRuntime, fakeBrowser, problemResponse, tokenResponse } from '../support/client/fake-runtime.js'
import { baseURL, createClient, person, signedIn } from '../support/client/fake-service.js'
import { storageIn } from '../support/client/storage.js'

const keyName = 'latchkey.auth.test_.key'
const tokenName = 'latchkey.auth.test_.refresh_token'
const sentKeys = (runtime: FakeRuntime) =>
  runtime.requests.splice(0).map(({ headers }) => headers.get('idempotency-key'))

for (const mode of ['cookie', 'body'] as const) {
  t.test(
    `in ${mode} mode no refresh is sent while the stored key cannot be read, and the session goes on`,
    async (t) => {
      const stored = new Map<string, string>()
      const storage = storageIn(stored)
      const { auth, runtime } = await signedIn(() => tokenResponse(), { mode, storage })
      const get = storage.get
      storage.get = (name) => (name === keyName ? Promise.reject(new Error('locked')) : get(name))
      const refused = t.rejects(auth.refresh(), { code: 'storage_error', isTemporary: true })
      await runtime.advance(5000)
      await refused
      t.strictSame(runtime.sent, [])
      t.equal(auth.state.status, 'signed_in')
      storage.get = get
      await auth.refresh()
      t.strictSame(sentKeys(runtime), [stored.get(keyName)])
    }
  )
}

t.test('a new key that cannot be stored and read back is not sent', async (t) => {
  const failures: Record<string, AuthClientOptions['storage']> = {
    'a storage that is full': {
      get: () => undefined,
      set: () => {
        throw new Error('full')
      },
      remove: () => undefined
    },
    'a storage that forgets': { get: () => undefined, set: () => undefined, remove: () => undefined },
    'a storage that cuts': { get: () => '123', set: () => undefined, remove: () => undefined },
    'no storage': undefined
  }
  for (const [name, storage] of Object.entries(failures)) {
    const { auth, runtime } = await signedIn(() => tokenResponse(), storage ? { storage } : {})
    await auth.refresh()
    await auth.refresh()
    t.strictSame(sentKeys(runtime), [null, null], name)
  }
})

t.test('a key that was stored but cannot be read back is not sent until it can be read', async (t) => {
  const stored = new Map<string, string>()
  const storage = storageIn(stored)
  const { auth, runtime } = createClient(() => tokenResponse(), { storage })
  storage.get = () => (stored.size === 0 ? undefined : Promise.reject(new Error('locked')))
  await auth.refresh()
  t.strictSame(sentKeys(runtime), [null])
  storage.get = (name) => stored.get(name)
  await auth.refresh()
  t.strictSame(sentKeys(runtime), [stored.get(keyName)])
})

t.test('a damaged key is replaced, because the service would refuse it', async (t) => {
  for (const damaged of ['', 'short', 'ключ, который не годится', 'x'.repeat(300)]) {
    const stored = new Map([[keyName, damaged]])
    const { auth, runtime } = createClient(() => tokenResponse(), { storage: storageIn(stored) })
    await auth.refresh()
    const [key] = sentKeys(runtime)
    t.match(key, /^[\d-]{16,}$/)
    t.equal(stored.get(keyName), key)
  }
})

t.test('without crypto there is no key, and signing in and refreshing work', async (t) => {
  const { crypto } = globalThis
  Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true })
  t.teardown(() => Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true }))
  const { auth, runtime } = await signedIn(() => tokenResponse({ refresh_token: 'token-2' }), { mode: 'body' })
  await auth.refresh()
  t.strictSame(sentKeys(runtime), [null])
})

t.test('body mode without a storage keeps one key in memory, as it keeps the token', async (t) => {
  const { auth, runtime } = await signedIn(() => tokenResponse({ refresh_token: 'token-2' }), { mode: 'body' })
  await auth.refresh()
  await auth.refresh()
  const [first, second] = sentKeys(runtime)
  t.match(first, /^[\d-]{16,}$/)
  t.equal(second, first)
})

t.test('keyStorage holds the key, and storage holds the token', async (t) => {
  for (const mode of ['cookie', 'body'] as const) {
    const stored = new Map<string, string>()
    const keys = new Map<string, string>()
    const options = { mode, storage: storageIn(stored), keyStorage: storageIn(keys) }
    const { auth, runtime } = await signedIn(() => tokenResponse(), options)
    await auth.refresh()
    t.strictSame([...keys.keys()], [keyName])
    t.strictSame([...stored.keys()], mode === 'body' ? [tokenName] : [])
    t.strictSame(sentKeys(runtime), [keys.get(keyName)])
    runtime.service = () => problemResponse(401, 'session_ended', { reason: 'revoked_by_user' })
    await t.rejects(auth.refresh(), { code: 'session_ended' })
    t.equal(keys.size + stored.size, 0, 'both are removed at the end')
  }
})

t.test('a login stores the token before the new key, and a login that fails changes neither', async (t) => {
  const stored = new Map<string, string>()
  const storage = storageIn(stored)
  const { auth, runtime } = await signedIn(() => problemResponse(401, 'invalid_credentials'), { mode: 'body', storage })
  const before = new Map(stored)
  await t.rejects(auth.login(person), { code: 'invalid_credentials' })
  t.strictSame(stored, before)

  // An app that is killed in between has the new token with the old key, which serves. A new key could not finish
  // a refresh of the old token.
  const written: string[] = []
  storage.set = (name, value) => {
    written.push(name)
    stored.set(name, value)
  }
  runtime.service = () => tokenResponse({ refresh_token: 'token-2' })
  await auth.login(person)
  t.strictSame(written, [tokenName, keyName])
  t.not(stored.get(keyName), before.get(keyName))
})

t.test('the end of a session leaves the key of a newer session alone', async (t) => {
  const stored = new Map<string, string>()
  const { auth } = await signedIn(
    () => {
      stored.set(keyName, 'key-of-a-login-in-another-tab')
      return problemResponse(401, 'session_ended', { reason: 'logged_out' })
    },
    { storage: storageIn(stored) }
  )
  await t.rejects(auth.refresh(), { code: 'session_ended' })
  t.equal(stored.get(keyName), 'key-of-a-login-in-another-tab')
})

t.test('a logout removes the key, and so does revoking the own session', async (t) => {
  for (const end of ['logout', 'revoke'] as const) {
    const stored = new Map<string, string>()
    const { auth } = await signedIn(() => new Response(null, { status: 204 }), { storage: storageIn(stored) })
    t.equal(stored.size, 1)
    await auth[end]('s1')
    t.equal(stored.size, 0)
  }
})

t.test('a login in session mode leaves the key and the tabs of cookie mode alone', async (t) => {
  const browser = fakeBrowser()
  const runtime = new FakeRuntime(() => tokenResponse(), browser)
  const byCookie = createAuthClient({ baseURL }, runtime)
  await byCookie.login(person)
  const key = browser.localStorage?.getItem(keyName)
  runtime.service = () => tokenResponse({ session_id: 's2' })
  await createAuthClient({ baseURL, mode: 'session' }, runtime).login(person)
  await runtime.advance(0)
  t.equal(browser.localStorage?.getItem(keyName), key)
  t.strictSame(byCookie.state, { status: 'signed_in', sessionId: 's1' })
})

t.test('a tab that finds the storage cleared makes one new key for all tabs', async (t) => {
  const browser = fakeBrowser()
  const runtime = new FakeRuntime(() => tokenResponse(), browser)
  const tabs = [1, 2].map(() => createAuthClient({ baseURL }, runtime))
  await tabs[0]?.login(person)
  browser.localStorage?.items.clear()
  for (const tab of tabs) await tab.refresh()
  const [, first, second] = sentKeys(runtime)
  t.ok(first)
  t.equal(second, first)
})

t.test('two tabs that sign in at once end with one session and one key', async (t) => {
  for (const withLocks of [true, false]) {
    const browser = fakeBrowser({ withLocks })
    let logins = 0
    const runtime = new FakeRuntime((request) => {
      if (request.url.endsWith('/login')) logins += 1
      return tokenResponse({ session_id: `s${logins}` })
    }, browser)
    const tabs = [0.2, 0.7].map((number) => createAuthClient({ baseURL }, { ...runtime, random: () => number }))
    const signedIn = Promise.all(tabs.map((tab) => tab.login(person)))
    await runtime.advance(1000)
    await signedIn
    runtime.requests.splice(0)
    for (const tab of tabs) {
      t.strictSame(tab.state, { status: 'signed_in', sessionId: 's2' })
      const refreshed = tab.refresh()
      await runtime.advance(1000)
      await refreshed
    }
    const key = browser.localStorage?.getItem(keyName)
    t.ok(key)
    t.strictSame(sentKeys(runtime), [key, key])
  }
})
