import t from 'tap'
import { createAuthClient } from '../../src/client/client.js'
import type { Browser, Channel, WebStorage } from '../../src/client/runtime/runtime.js'
import {
  FakeRuntime,
  fakeBrowser,
  openChannel,
  problemResponse,
  settled,
  tokenResponse
} from '../support/client/fake-runtime.js'
import { baseURL, isOut, person } from '../support/client/fake-service.js'

/** The client must work in a browser that stores nothing, or lacks what tabs share. */

const fail = (): never => {
  throw new DOMException('The operation is insecure', 'SecurityError')
}
const throwing = (name: string): Browser => Object.defineProperty(fakeBrowser(), name, { get: fail })
const storageThat = (methods: Partial<WebStorage>): Browser => ({
  ...fakeBrowser({ withLocks: false }),
  localStorage: { getItem: () => null, setItem: () => {}, removeItem: () => {}, ...methods }
})
const channelThat = (methods: Partial<Channel>): Browser => ({
  ...fakeBrowser(),
  BroadcastChannel: class {
    onmessage = null
    postMessage = methods.postMessage ?? (() => {})
    close = methods.close ?? (() => {})
  }
})

const browsers: Record<string, () => Browser> = {
  'no Web Locks, localStorage or BroadcastChannel': () =>
    fakeBrowser({ withChannel: false, withLocks: false, withStorage: false }),
  'a localStorage that is null, as in an Android WebView': () => ({ ...fakeBrowser(), localStorage: null }),
  'a localStorage that throws on access': () => throwing('localStorage'),
  'a localStorage that throws on reading': () => storageThat({ getItem: fail, setItem: fail, removeItem: fail }),
  'a localStorage that throws on writing': () => storageThat({ setItem: fail, removeItem: fail }),
  'a localStorage that stores nothing': () => storageThat({}),
  'a BroadcastChannel that throws on access': () => throwing('BroadcastChannel'),
  'a BroadcastChannel that throws on construction': () => ({
    ...fakeBrowser(),
    BroadcastChannel: class {
      onmessage = null
      constructor() {
        fail()
      }
      postMessage(): void {}
      close(): void {}
    }
  }),
  'a BroadcastChannel that throws on use': () => channelThat({ postMessage: fail, close: fail }),
  'a navigator that throws': () => throwing('navigator'),
  'no navigator': () => ({ ...fakeBrowser(), navigator: undefined }),
  'a location that throws': () => throwing('location'),
  'no location': () => ({ ...fakeBrowser(), location: undefined }),
  'an empty location': () => ({ ...fakeBrowser(), location: { href: '' } })
}
for (const [name, open] of Object.entries(browsers)) {
  t.test(`signing in, refreshing and signing out work with ${name}`, async (t) => {
    const runtime = new FakeRuntime(() => tokenResponse(), open())
    const auth = createAuthClient({ baseURL }, runtime)
    const succeeds = async (action: Promise<unknown>) => {
      await runtime.advance(1000)
      return action
    }
    await succeeds(auth.login(person))
    t.strictSame(auth.state, { status: 'signed_in', sessionId: 's1' })
    const token = await auth.getAccessToken()
    await succeeds(auth.refresh())
    t.not(await auth.getAccessToken(), token)
    runtime.service = () => new Response(null, { status: 204 })
    await succeeds(auth.logout())
    t.strictSame(auth.state, { ...isOut, reason: 'logged_out' })
    auth.close()
  })
}

t.test(
  'a localStorage that breaks later fails a refresh for now, and it continues when the storage works',
  async (t) => {
    const browser = fakeBrowser()
    const runtime = new FakeRuntime(() => tokenResponse(), browser)
    const auth = createAuthClient({ baseURL }, runtime)
    await auth.login(person)
    runtime.sent.splice(0)
    const { localStorage } = browser
    Object.assign(localStorage ?? {}, { getItem: fail })
    const refused = t.rejects(auth.refresh(), { code: 'storage_error', isTemporary: true })
    await runtime.advance(5000)
    await refused
    t.strictSame(runtime.sent, [], 'an old token without its key would look like theft')
    t.equal(auth.state.status, 'signed_in')
    const reloaded = createAuthClient({ baseURL }, runtime)
    await reloaded.refresh()
    t.equal(reloaded.state.status, 'signed_in', 'a page that loads now treats the storage as missing')
    Object.assign(localStorage ?? {}, { getItem: (name: string) => localStorage?.items.get(name) ?? null })
    await auth.refresh()
  }
)

t.test('a refresh that succeeded is not reported as failed', async (t) => {
  const failures: Record<string, (browser: ReturnType<typeof fakeBrowser>) => void> = {
    'after the tab has closed the channel': () => {},
    'when nothing can be stored any more': ({ localStorage }) =>
      Object.assign(localStorage ?? {}, { setItem: fail, removeItem: fail })
  }
  for (const withLocks of [true, false]) {
    for (const [name, breakIt] of Object.entries(failures)) {
      const browser = fakeBrowser({ withLocks })
      const runtime = new FakeRuntime(() => tokenResponse(), browser)
      const auth = createAuthClient({ baseURL }, runtime)
      const signedIn = auth.login(person)
      await runtime.advance(1000)
      await signedIn
      auth.close()
      const refreshed = auth.refresh()
      await settled()
      breakIt(browser)
      await runtime.advance(1000)
      await refreshed
      t.equal(auth.state.status, 'signed_in', name)
    }
  }
})

t.test('a malformed message of another script of the origin changes nothing', async (t) => {
  const browser = fakeBrowser()
  const auth = createAuthClient({ baseURL }, new FakeRuntime(() => problemResponse(500, 'no'), browser))
  const other = openChannel(browser)
  for (const data of [undefined, null, 'text', 7, {}, { sessionId: 7 }, { sessionId: 's1', ended: 7 }]) {
    other?.postMessage(data)
  }
  await settled()
  t.strictSame(auth.state, { status: 'unknown' })
})
