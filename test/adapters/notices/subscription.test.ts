import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { ConnectNotices, NoticeHandlers } from '../../../src/adapters/notices/notices.js'
import { keepSubscribed, type SubscriptionTiming } from '../../../src/adapters/notices/subscription.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'

const quick: SubscriptionTiming = {
  heartbeatMilliseconds: 5,
  answerMilliseconds: 20,
  firstPauseMilliseconds: 1,
  maxPauseMilliseconds: 4
}

/** Keeps a subscription by `connect` and collects the calls of its listener. */
function subscribe(t: Test, connect: ConnectNotices) {
  const calls: string[] = []
  const record = (call: string) => () => void calls.push(call)
  const stop = keepSubscribed(
    connect,
    { onNotice: record('notice'), onUp: record('up'), onAlive: record('alive'), onDown: record('down') },
    { entropy: systemEntropy, timing: quick }
  )
  t.teardown(stop)
  const until = async (isTrue: () => boolean) => {
    for (let round = 0; round < 2000 && !isTrue(); round++) await delay(1)
    t.ok(isTrue(), calls.join(' '))
  }
  return { calls, stop, until, count: (call: string) => calls.filter((other) => other === call).length }
}

const answering = { ping: async () => {}, close: async () => {} }

t.test('the listener gets notices, and a heartbeat while the connection lives', async (t) => {
  let handlers: NoticeHandlers | undefined
  const { until, count, calls } = subscribe(t, async (given) => {
    handlers = given
    return answering
  })
  await until(() => count('alive') >= 2)
  handlers?.onNotice()
  t.equal(calls[0], 'up')
  t.equal(count('notice'), 1)
})

t.test('a lost connection is replaced', async (t) => {
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

t.test('a connection that is lost while connecting never counts as up', async (t) => {
  let attempts = 0
  const { calls, until, count } = subscribe(t, async ({ onLost }) => {
    attempts += 1
    if (attempts === 1) onLost()
    return answering
  })
  await until(() => count('up') === 1)
  t.equal(attempts, 2)
  t.strictSame(calls.slice(0, 2), ['down', 'up'])
})

t.test('a connection that does not answer a ping, or answers with an error, is closed and replaced', async (t) => {
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

t.test('a subscription keeps trying while connecting fails', async (t) => {
  let attempts = 0
  const { until, calls } = subscribe(t, async () => {
    attempts += 1
    throw new Error('refused')
  })
  await until(() => attempts >= 5)
  t.strictSame(calls, [], 'a subscription that was never up does not go down')
})

t.test('a stopped subscription closes its connection and calls its listener no more', async (t) => {
  let closed = false
  const { calls, stop, until, count } = subscribe(t, async () => ({
    ...answering,
    close: async () => {
      closed = true
    }
  }))
  await until(() => count('alive') > 0)
  await stop()
  t.ok(closed)
  const before = calls.length
  await delay(quick.heartbeatMilliseconds * 3)
  t.equal(calls.length, before)
})
