import t from 'tap'
import type { Browser } from '../../src/client/runtime/runtime.js'
import { tabLock } from '../../src/client/runtime/tab-lock.js'
import { FakeRuntime, fakeBrowser, settled } from '../support/client/fake-runtime.js'

const browsers = {
  'Web Locks': () => fakeBrowser(),
  'a lease': () => fakeBrowser({ withLocks: false })
}

/** Two tabs of one browser, and what their actions have done. */
function openTabs(browser: Browser) {
  const runtime = new FakeRuntime(() => undefined, browser)
  const log: string[] = []
  const [first, second] = [0.2, 0.7].map((number) =>
    tabLock('turn', { ...runtime, random: () => number, schedule: runtime.schedule })
  )
  const take =
    (turn: typeof first, name: string) =>
    (milliseconds: number): Promise<string> | undefined =>
      turn?.(async () => {
        log.push(`${name} starts`)
        await new Promise<void>((resolve) => runtime.schedule(resolve, milliseconds))
        log.push(`${name} ends`)
        return name
      })
  return { runtime, log, takeFirst: take(first, 'first'), takeSecond: take(second, 'second') }
}

for (const [name, open] of Object.entries(browsers)) {
  t.test(`a tab waits for the longest action of another tab, with ${name}`, async (t) => {
    const { runtime, log, takeFirst, takeSecond } = openTabs(open())
    const first = takeFirst(35_000)
    await runtime.advance(100)
    const second = takeSecond(10)
    await runtime.advance(34_000)
    t.strictSame(log, ['first starts'])
    await runtime.advance(2000)
    t.strictSame(log, ['first starts', 'first ends', 'second starts', 'second ends'])
    t.strictSame(await Promise.all([first, second]), ['first', 'second'])
  })

  t.test(`after an action that fails the next tab has its turn, with ${name}`, async (t) => {
    const browser = open()
    const runtime = new FakeRuntime(() => undefined, browser)
    const turn = tabLock('turn', runtime)
    const failed = t.rejects(
      turn(async () => {
        throw new Error('no luck')
      }),
      { message: 'no luck' }
    )
    await runtime.advance(100)
    await failed
    t.equal(browser.localStorage?.items.size, 0)
    const next = turn(async () => 'done')
    await runtime.advance(100)
    t.equal(await next, 'done')
  })
}

t.test('a tab that hangs while it has the lock delays the others for forty seconds at most', async (t) => {
  const browser = fakeBrowser()
  const { runtime, log, takeSecond } = openTabs(browser)
  const { signal } = new AbortController()
  void browser.navigator.locks?.request('turn', { signal }, () => new Promise(() => {}))
  const second = takeSecond(10)
  await runtime.advance(39_000)
  t.strictSame(log, [])
  await runtime.advance(2000)
  t.equal(await second, 'second')
})

t.test('the lease of a tab that was closed ends within seconds', async (t) => {
  const browser = fakeBrowser({ withLocks: false })
  const { runtime, takeFirst, log } = openTabs(browser)
  void takeFirst(35_000)
  await runtime.advance(2000)
  // The tab is closed: its timers never fire.
  runtime.timers.clear()
  const other = new FakeRuntime(() => undefined, browser)
  other.time = runtime.time
  const turn = tabLock('turn', { ...other, random: () => 0.7, schedule: other.schedule })
  const next = turn(async () => void log.push('next'))
  await other.advance(3000)
  t.strictSame(log, ['first starts'])
  await other.advance(2500)
  await next
  t.strictSame(log, ['first starts', 'next'])
})

t.test('a lease from a clock that was ahead, or a damaged one, delays nobody', async (t) => {
  for (const lease of [`${2 ** 52}`, 'damaged', '']) {
    const browser = fakeBrowser({ withLocks: false })
    browser.localStorage?.setItem('turn', lease)
    const { runtime, takeFirst } = openTabs(browser)
    const first = takeFirst(10)
    await runtime.advance(200)
    t.equal(await first, 'first')
  }
})

t.test('if the lock or the lease breaks, the action still runs, and only once', async (t) => {
  const breaking: Record<string, (browser: ReturnType<typeof fakeBrowser>) => Browser> = {
    'Web Locks that reject': (browser) => ({
      ...browser,
      navigator: { locks: { request: () => Promise.reject(new DOMException('no', 'SecurityError')) } }
    }),
    'Web Locks that throw': (browser) => ({
      ...browser,
      navigator: {
        locks: {
          request: () => {
            throw new DOMException('no', 'InvalidStateError')
          }
        }
      }
    }),
    'a lock that another script steals': (browser) => ({
      ...browser,
      navigator: {
        locks: {
          request: async (_name, _options, action) => {
            void action()
            throw new DOMException('stolen', 'AbortError')
          }
        }
      }
    }),
    'a navigator that throws': (browser) => ({
      ...browser,
      get navigator(): never {
        throw new Error('no')
      }
    }),
    'a localStorage that breaks later': (browser) => {
      const { localStorage } = browser
      const broken = () => {
        throw new DOMException('no', 'SecurityError')
      }
      setImmediate(() => Object.assign(localStorage ?? {}, { getItem: broken, setItem: broken, removeItem: broken }))
      return { ...browser, navigator: {} }
    }
  }
  for (const [name, breakIt] of Object.entries(breaking)) {
    const { runtime, log, takeFirst } = openTabs(breakIt(fakeBrowser()))
    const first = takeFirst(3000)
    await settled()
    await runtime.advance(4000)
    t.equal(await first, 'first', name)
    t.strictSame(log, ['first starts', 'first ends'], name)
  }
})
