import { setTimeout as delay } from 'node:timers/promises'
import type { Entropy } from '../../ports/runtime.js'
import type { ConnectNotices } from './notices.js'

export interface SubscriptionListener {
  onNotice(): void
  /** Connected: notices arrive from now on. Earlier ones may have been missed. */
  onUp(): void
  /** The other end has just answered a ping. */
  onAlive(): void
  /** Disconnected: notices may be missed from now on. */
  onDown(): void
}

export interface SubscriptionTiming {
  /** Between an answer and the next ping. */
  readonly heartbeatMilliseconds: number
  /** How long the other end may take to answer a ping. */
  readonly answerMilliseconds: number
  /** Before the second attempt to connect; doubles with each attempt up to `maxPauseMilliseconds`. */
  readonly firstPauseMilliseconds: number
  readonly maxPauseMilliseconds: number
}

export const defaultTiming: SubscriptionTiming = {
  heartbeatMilliseconds: 1000,
  answerMilliseconds: 2000,
  firstPauseMilliseconds: 100,
  maxPauseMilliseconds: 5000
}

/**
 * Keeps one subscription open until the returned function is called. Pings find a silent connection. A lost connection
 * is replaced: soon at first, then after growing pauses, with jitter so that the instances of a service do not all
 * reconnect at the same moment.
 */
export function keepSubscribed(
  connect: ConnectNotices,
  listener: SubscriptionListener,
  {
    entropy,
    timing = defaultTiming
  }: { readonly entropy: Pick<Entropy, 'bytes'>; readonly timing?: SubscriptionTiming }
): () => Promise<void> {
  const stopping = new AbortController()
  let failures = 0

  async function followOnce(): Promise<void> {
    const lost = new AbortController()
    const over = AbortSignal.any([stopping.signal, lost.signal])
    const connection = await connect({ onNotice: listener.onNotice, onLost: () => lost.abort() })
    try {
      if (over.aborted) return
      failures = 0
      listener.onUp()
      while (!over.aborted) {
        await delay(timing.heartbeatMilliseconds, undefined, { signal: over })
        await within(timing.answerMilliseconds, connection.ping(), over)
        listener.onAlive()
      }
    } finally {
      listener.onDown()
      await connection.close()
    }
  }

  async function follow(): Promise<void> {
    while (!stopping.signal.aborted) {
      // Every failure is treated alike: `onDown` has been called, and the loop connects again.
      await followOnce().catch(() => undefined)
      const pause = Math.min(timing.firstPauseMilliseconds * 2 ** failures, timing.maxPauseMilliseconds)
      failures += 1
      const jitter = (entropy.bytes(1)[0] ?? 0) / 255
      await delay(pause * (0.5 + jitter / 2), undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  const followed = follow()
  return () => {
    stopping.abort()
    return followed
  }
}

/** Rejects if `answer` takes longer than `milliseconds`, or when `over` aborts. */
async function within(milliseconds: number, answer: Promise<void>, over: AbortSignal): Promise<void> {
  const answered = new AbortController()
  const tooLate = delay(milliseconds, undefined, { signal: AbortSignal.any([over, answered.signal]) }).then(() => {
    throw new Error('The other end did not answer in time.')
  })
  try {
    await Promise.race([answer, tooLate])
  } finally {
    answered.abort()
    // The loser of the race must not become an unhandled rejection.
    answer.catch(() => undefined)
    tooLate.catch(() => undefined)
  }
}
