import { setTimeout as delay } from 'node:timers/promises'
import type { Entropy } from '../../ports/runtime.js'
import type { ConnectNotices } from './notices.js'

export interface SubscriptionListener {
  onNotice(): void
  /** Notices arrive from here on; those of before may have been missed. */
  onUp(): void
  /** The other end has just answered. */
  onAlive(): void
  /** Notices may be missed from here on. */
  onDown(): void
}

export interface SubscriptionTiming {
  readonly heartbeatMilliseconds: number
  /** How long the other end may take to answer. */
  readonly answerMilliseconds: number
  /** Before the second attempt to connect; doubles with each one up to `longestPauseMilliseconds`. */
  readonly firstPauseMilliseconds: number
  readonly longestPauseMilliseconds: number
}

export const usualTiming: SubscriptionTiming = {
  heartbeatMilliseconds: 1000,
  answerMilliseconds: 2000,
  firstPauseMilliseconds: 100,
  longestPauseMilliseconds: 5000
}

/**
 * Keeps one subscription alive until the function it returns is called: a silent connection is found
 * by its heartbeat, a lost one is replaced, at first at once and then ever more slowly, with jitter
 * so that the instances of a service do not all come back at the same moment.
 */
export function keepSubscribed(
  connect: ConnectNotices,
  listener: SubscriptionListener,
  { entropy, timing = usualTiming }: { readonly entropy: Pick<Entropy, 'bytes'>; readonly timing?: SubscriptionTiming }
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
      // Why it failed makes no difference to what follows: whoever listens has been told that it is down.
      await followOnce().catch(() => undefined)
      const pause = Math.min(timing.firstPauseMilliseconds * 2 ** failures, timing.longestPauseMilliseconds)
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

/** The answer, where it comes in time and nothing is over before. */
async function within(milliseconds: number, answer: Promise<void>, over: AbortSignal): Promise<void> {
  const answered = new AbortController()
  const tooLate = delay(milliseconds, undefined, { signal: AbortSignal.any([over, answered.signal]) }).then(() => {
    throw new Error('The other end did not answer in time.')
  })
  try {
    await Promise.race([answer, tooLate])
  } finally {
    answered.abort()
    // Whichever of the two lost the race has nothing more to tell.
    answer.catch(() => undefined)
    tooLate.catch(() => undefined)
  }
}
