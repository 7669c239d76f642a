import t from 'tap'
import { createAuthClient } from '../../src/client/client.js'
import type { AuthClientOptions } from '../../src/client/index.js'
import type { Browser } from '../../src/client/runtime.js'
import { answer, fakeBrowser, Place, problem, settled, tokens } from '../support/client/fake-runtime.js'

/** Tabs of one browser at a service that takes its time. */

const slowly = 200

/** `count` tabs, and the service that they share. */
function openTabs(count: number, browser: Browser, options: AuthClientOptions = {}) {
  let atOnce = 0
  const service = { most: 0, refreshes: 0, answer: () => tokens() }
  const place = new Place((request) => {
    if (!request.url.endsWith('/refresh')) return answer(200, {})
    service.refreshes += 1
    atOnce += 1
    service.most = Math.max(service.most, atOnce)
    return new Promise((resolve) =>
      place.schedule(() => {
        atOnce -= 1
        resolve(service.answer())
      }, slowly)
    )
  }, browser)
  const tabs = Array.from({ length: count }, (_, i) => {
    // Each tab is another program, and has chances of its own.
    const random = () => (i + 1) / (count + 1)
    return createAuthClient({ baseURL: 'https://auth.test', ...options }, { ...place, random })
  })
  return { tabs, place, service }
}

for (const [name, browser] of Object.entries({
  'Web Locks': () => fakeBrowser(),
  'a lease': () => fakeBrowser({ withLocks: false })
})) {
  t.test(`ten tabs refresh once, by ${name}`, async (t) => {
    const { tabs, place, service } = openTabs(10, browser())
    const asked = Promise.all(tabs.map((tab) => tab.getAccessToken()))
    await place.pass(10_000)
    t.equal(new Set(await asked).size, 1)
    t.equal(service.refreshes, 1)
    t.ok(tabs.every(({ state }) => state.status === 'signed_in'))
  })
}

t.test('without a channel they refresh one after the other', async (t) => {
  for (const withLocks of [true, false]) {
    const { tabs, place, service } = openTabs(5, fakeBrowser({ withLocks, withChannel: false }))
    const asked = Promise.all(tabs.map((tab) => tab.getAccessToken()))
    await place.pass(15_000)
    t.notOk((await asked).includes(undefined))
    t.equal(service.refreshes, 5)
    t.equal(service.most, 1)
  }
})

t.test('where nothing is shared they refresh at once, and that is as good', async (t) => {
  const { tabs, place, service } = openTabs(
    5,
    fakeBrowser({ withLocks: false, withChannel: false, withStorage: false })
  )
  const asked = Promise.all(tabs.map((tab) => tab.getAccessToken()))
  await place.pass(slowly)
  t.notOk((await asked).includes(undefined))
  t.equal(service.most, 5)
})

t.test('a tab that hangs in its turn stops no other for long', async (t) => {
  for (const withLocks of [true, false]) {
    const browser = fakeBrowser({ withLocks })
    const { tabs, place } = openTabs(1, browser)
    const { signal } = new AbortController()
    if (withLocks) void browser.locks?.request('', { signal }, () => new Promise(() => {}))
    else browser.localStorage?.setItem('latchkey.auth.test_.turn', `${place.time + 60_000} of a tab that has died`)
    const asked = tabs[0]?.getAccessToken()
    await place.pass(14_000)
    t.equal(place.sent.length, 0)
    await place.pass(2000)
    t.ok(await asked)
  }
})

t.test('all tabs send one key', async (t) => {
  const { tabs, place } = openTabs(3, fakeBrowser({ withChannel: false }))
  for (const tab of tabs) {
    const refreshed = tab.refresh()
    await place.pass(slowly)
    await refreshed
  }
  t.equal(new Set(place.requests.map(({ headers }) => headers.get('idempotency-key'))).size, 1)
})

t.test('nothing that is stored is a token', async (t) => {
  const browser = fakeBrowser()
  const { tabs, place, service } = openTabs(1, browser)
  service.answer = () => tokens({ access_token: 'a secret', refresh_token: 'a secret' })
  const refreshed = tabs[0]?.refresh()
  await place.pass(slowly)
  await refreshed
  t.strictSame([...(browser.localStorage?.items.keys() ?? [])], ['latchkey.auth.test_.key'])
  t.notMatch([...(browser.localStorage?.items.values() ?? [])].join(), 'secret')
})

t.test('who signs out in one tab is out in all, and who signs in is in', async (t) => {
  const { tabs, place } = openTabs(2, fakeBrowser())
  const [here, there] = tabs
  if (here === undefined || there === undefined) return t.fail()
  const change = async (action: Promise<void>) => {
    await place.pass(slowly)
    await action
    await settled()
  }
  place.answer = () => tokens()
  await change(here.login({ email: 'ada@example.org', password: 'a rather long password' }))
  t.strictSame(there.state, { status: 'signed_in', sessionId: 's1' })
  t.equal(await there.getAccessToken(), await here.getAccessToken())
  place.answer = () => new Response(null, { status: 204 })
  await change(there.logout())
  t.strictSame(here.state, { status: 'signed_out', reason: 'logged_out' })
  place.answer = () => problem(401, 'missing_credentials')
  t.equal(await here.getAccessToken(), undefined)
})

t.test('a tab that has gone on to another session is not told of the end of the one before', async (t) => {
  const browser = fakeBrowser()
  const { tabs, place } = openTabs(1, browser)
  const [tab] = tabs
  const other = browser.openChannel?.('')
  other?.postMessage({ sessionId: 's2', accessToken: 'of s2', until: place.time + 600_000 })
  await settled()
  t.strictSame(tab?.state, { status: 'signed_in', sessionId: 's2' })
  other?.postMessage({ sessionId: 's1', ended: 'logged_out' })
  await settled()
  t.equal(await tab?.getAccessToken(), 'of s2')
})

t.test('an answer that comes after another tab has signed out is dropped', async (t) => {
  const browser = fakeBrowser({ withLocks: false, withStorage: false })
  const { tabs, place } = openTabs(1, browser)
  const [tab] = tabs
  const other = browser.openChannel?.('')
  other?.postMessage({ sessionId: 's1', accessToken: 'first', until: place.time + 600_000 })
  await settled()
  const refreshed = tab?.refresh()
  await settled()
  other?.postMessage({ sessionId: 's1', ended: 'logged_out' })
  await settled()
  const refused = t.rejects(refreshed ?? Promise.resolve(), { code: 'missing_credentials' })
  await place.pass(slowly)
  await refused
  t.strictSame(tab?.state, { status: 'signed_out', reason: 'logged_out' })
})

t.test('what holds no cookie shares nothing', async (t) => {
  const { tabs, place } = openTabs(2, fakeBrowser(), { mode: 'body' })
  place.answer = () => tokens({ refresh_token: 'token-1' })
  await tabs[0]?.login({ email: 'ada@example.org', password: 'a rather long password' })
  await settled()
  t.strictSame(tabs[1]?.state, { status: 'unknown' })
})
