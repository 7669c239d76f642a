import t from 'tap'
import { createAuthClient } from '../../src/client/client.js'
import type { AuthClientOptions } from '../../src/client/index.js'
import type { Browser } from '../../src/client/runtime/runtime.js'
import {
  FakeRuntime,
  fakeBrowser,
  jsonResponse,
  openChannel,
  problemResponse,
  settled,
  tokenResponse
} from '../support/client/fake-runtime.js'

/** How long the service takes for a refresh, in milliseconds. */
const refreshTime = 200

/** `count` tabs that share a service. */
function openTabs(count: number, browser: Browser, options: AuthClientOptions = {}) {
  let concurrent = 0
  const service = { maxConcurrent: 0, refreshes: 0, answer: () => tokenResponse() }
  const runtime = new FakeRuntime((request) => {
    if (!request.url.endsWith('/refresh')) return jsonResponse(200, {})
    service.refreshes += 1
    concurrent += 1
    service.maxConcurrent = Math.max(service.maxConcurrent, concurrent)
    return new Promise((resolve) =>
      runtime.schedule(() => {
        concurrent -= 1
        resolve(service.answer())
      }, refreshTime)
    )
  }, browser)
  const tabs = Array.from({ length: count }, (_, i) => {
    // Each tab is a program with its own random numbers.
    const random = () => (i + 1) / (count + 1)
    return createAuthClient({ baseURL: 'https://auth.test', ...options }, { ...runtime, random })
  })
  return { tabs, runtime, service }
}

for (const [name, browser] of Object.entries({
  'Web Locks': () => fakeBrowser(),
  'a lease': () => fakeBrowser({ withLocks: false })
})) {
  t.test(`ten tabs refresh once, with ${name}`, async (t) => {
    const { tabs, runtime, service } = openTabs(10, browser())
    const asked = Promise.all(tabs.map((tab) => tab.getAccessToken()))
    await runtime.advance(10_000)
    t.equal(new Set(await asked).size, 1)
    t.equal(service.refreshes, 1)
    t.ok(tabs.every(({ state }) => state.status === 'signed_in'))
  })
}

t.test('without BroadcastChannel the tabs refresh one after the other', async (t) => {
  for (const withLocks of [true, false]) {
    const { tabs, runtime, service } = openTabs(5, fakeBrowser({ withLocks, withChannel: false }))
    const asked = Promise.all(tabs.map((tab) => tab.getAccessToken()))
    await runtime.advance(15_000)
    t.notOk((await asked).includes(undefined))
    t.equal(service.refreshes, 5)
    t.equal(service.maxConcurrent, 1)
  }
})

t.test('tabs that share nothing refresh concurrently, and all stay signed in', async (t) => {
  const { tabs, runtime, service } = openTabs(
    5,
    fakeBrowser({ withLocks: false, withChannel: false, withStorage: false })
  )
  const asked = Promise.all(tabs.map((tab) => tab.getAccessToken()))
  await runtime.advance(refreshTime)
  t.notOk((await asked).includes(undefined))
  t.equal(service.maxConcurrent, 5)
})

t.test('all tabs send the same idempotency key', async (t) => {
  const { tabs, runtime } = openTabs(3, fakeBrowser({ withChannel: false }))
  for (const tab of tabs) {
    const refreshed = tab.refresh()
    await runtime.advance(refreshTime)
    await refreshed
  }
  t.equal(new Set(runtime.requests.map(({ headers }) => headers.get('idempotency-key'))).size, 1)
})

t.test('no token is stored', async (t) => {
  const browser = fakeBrowser()
  const { tabs, runtime, service } = openTabs(1, browser)
  service.answer = () => tokenResponse({ access_token: 'a secret', refresh_token: 'a secret' })
  const refreshed = tabs[0]?.refresh()
  await runtime.advance(refreshTime)
  await refreshed
  t.strictSame([...(browser.localStorage?.items.keys() ?? [])], ['latchkey.auth.test_.key'])
  t.notMatch([...(browser.localStorage?.items.values() ?? [])].join(), 'secret')
})

t.test('signing out or in in one tab signs all tabs out or in', async (t) => {
  const { tabs, runtime } = openTabs(2, fakeBrowser())
  const [here, there] = tabs
  if (here === undefined || there === undefined) return t.fail()
  const change = async (action: Promise<void>) => {
    await runtime.advance(refreshTime)
    await action
    await settled()
  }
  runtime.service = () => tokenResponse()
  await change(here.login({ email: 'ada@example.org', password: 'a rather long password' }))
  t.strictSame(there.state, { status: 'signed_in', sessionId: 's1' })
  t.equal(await there.getAccessToken(), await here.getAccessToken())
  runtime.service = () => new Response(null, { status: 204 })
  await change(there.logout())
  t.strictSame(here.state, { status: 'signed_out', reason: 'logged_out' })
  runtime.service = () => problemResponse(401, 'missing_credentials')
  t.equal(await here.getAccessToken(), undefined)
})

t.test('the end of a session does not sign out a tab that has another session', async (t) => {
  const browser = fakeBrowser()
  const { tabs, runtime } = openTabs(1, browser)
  const [tab] = tabs
  const other = openChannel(browser)
  other?.postMessage({ sessionId: 's2', accessToken: 'of s2', until: runtime.time + 600_000 })
  await settled()
  t.strictSame(tab?.state, { status: 'signed_in', sessionId: 's2' })
  other?.postMessage({ sessionId: 's1', ended: 'logged_out' })
  await settled()
  t.equal(await tab?.getAccessToken(), 'of s2')
})

t.test('a response that arrives after another tab has signed out is ignored', async (t) => {
  const browser = fakeBrowser({ withLocks: false, withStorage: false })
  const { tabs, runtime } = openTabs(1, browser)
  const [tab] = tabs
  const other = openChannel(browser)
  other?.postMessage({ sessionId: 's1', accessToken: 'first', until: runtime.time + 600_000 })
  await settled()
  const refreshed = tab?.refresh()
  await settled()
  other?.postMessage({ sessionId: 's1', ended: 'logged_out' })
  await settled()
  const refused = t.rejects(refreshed ?? Promise.resolve(), { code: 'missing_credentials' })
  await runtime.advance(refreshTime)
  await refused
  t.strictSame(tab?.state, { status: 'signed_out', reason: 'logged_out' })
})

t.test('tabs in body and access mode share nothing', async (t) => {
  const { tabs, runtime } = openTabs(2, fakeBrowser(), { mode: 'body' })
  runtime.service = () => tokenResponse({ refresh_token: 'token-1' })
  await tabs[0]?.login({ email: 'ada@example.org', password: 'a rather long password' })
  await settled()
  t.strictSame(tabs[1]?.state, { status: 'unknown' })
})
