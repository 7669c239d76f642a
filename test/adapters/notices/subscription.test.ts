import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { ConnectNotices, NoticeHandlers } from '../../../src/adapters/notices/notices.js'
import { keepSubscribed, type SubscriptionTiming } from '../../../src/adapters/notices/subscription.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'

const quick: SubscriptionTiming = {
  heartbeatMilliseconds: 5,
  answerMilliseconds: 20,
  firstPauseMilliseconds: 1,
  longestPauseMilliseconds: 4
}

/** Subscribes to what `connect` gives, and writes down what is told. */
function subscribe(t: Test, connect: ConnectNotices) {
  const told: string[] = []
  const tell = (what: string) => () => void told.push(what)
  const stop = keepSubscribed(
    connect,
    { onNotice: tell('notice'), onUp: tell('up'), onAlive: tell('alive'), onDown: tell('down') },
    { entropy: systemEntropy, timing: quick }
  )
  t.teardown(stop)
  const until = async (isThere: () => boolean) => {
    for (let round = 0; round < 2000 && !isThere(); round++) await delay(1)
    t.ok(isThere(), told.join(' '))
  }
  return { told, stop, until, count: (what: string) => told.filter((one) => one === what).length }
}

const answering = { ping: async () => {}, close: async () => {} }

t.test('notices are passed on, and the heartbeat shows that it lives', async (t) => {
  let handlers: NoticeHandlers | undefined
  const { until, count, told } = subscribe(t, async (given) => {
    handlers = given
    return answering
  })
  await until(() => count('alive') >= 2)
  handlers?.onNotice()
  t.equal(told[0], 'up')
  t.equal(count('notice'), 1)
})

t.test('a connection that is lost is replaced', async (t) => {
  const connections: NoticeHandlers[] = []
  const { until, count } = subscribe(t, async (handlers) => {
    connections.push(handlers)
    return answering
  })
  await until(() => count('up') === 1)
  connections[0]?.onLost()
  await until(() => count('up') === 2)
  t.equal(count('down'), 1)
})

t.test('a connection that is lost while it is handed out never counts as up', async (t) => {
  let attempts = 0
  const { told, until, count } = subscribe(t, async ({ onLost }) => {
    attempts += 1
    if (attempts === 1) onLost()
    return answering
  })
  await until(() => count('up') === 1)
  t.equal(attempts, 2)
  t.strictSame(told.slice(0, 2), ['down', 'up'])
})

t.test('a connection that falls silent, or answers with an error, is closed and replaced', async (t) => {
  const silent = () => new Promise<void>(() => {})
  for (const ping of [silent, () => Promise.reject(new Error('broken'))]) {
    let closed = 0
    const close = async () => {
      closed += 1
    }
    const { until, count, stop } = subscribe(t, async () => ({ ping, close }))
    await until(() => count('up') >= 2)
    await stop()
    t.equal(closed, count('up'))
    t.equal(count('alive'), 0)
  }
})

t.test('while nobody answers it keeps trying', async (t) => {
  let attempts = 0
  const { until, told } = subscribe(t, async () => {
    attempts += 1
    throw new Error('refused')
  })
  await until(() => attempts >= 5)
  t.strictSame(told, [], 'it was never up, so it never went down')
})

t.test('once stopped it tells nothing more, and its connection is closed', async (t) => {
  let closed = false
  const { told, stop, until, count } = subscribe(t, async () => ({
    ...answering,
    close: async () => {
      closed = true
    }
  }))
  await until(() => count('alive') > 0)
  await stop()
  t.ok(closed)
  const before = told.length
  await delay(quick.heartbeatMilliseconds * 3)
  t.equal(told.length, before)
})
