import { type Revocation, revocationSet } from '../../core/revocation-set.js'
import { Unavailable } from '../../ports/errors.js'
import { maxCommitSeconds, type RevocationFeed, type RevocationLog, type Revocations } from '../../ports/revocations.js'
import type { Clock, Entropy } from '../../ports/runtime.js'
import { catchUp } from '../notices/catch-up.js'
import type { NoticeSource } from '../notices/notices.js'
import { keepSubscribed, type SubscriptionTiming } from '../notices/subscription.js'
import { feedPosition } from './feed-position.js'

export interface RevocationFeedOptions {
  readonly log: RevocationLog
  readonly clock: Pick<Clock, 'now'>
  readonly entropy: Pick<Entropy, 'bytes'>
  /** Undefined if this process alone writes to the log. */
  readonly notices?: NoticeSource | undefined
  /** Whether access tokens are accepted while the feed is stale. */
  readonly whenStale: 'allow' | 'deny'
  readonly timing?: SubscriptionTiming & { readonly pollMilliseconds: number }
}

export interface OpenRevocationFeed {
  readonly revocations: Revocations
  readonly feed: RevocationFeed
  close(): Promise<void>
}

const maxCommitMilliseconds = maxCommitSeconds * 1000
/** Longer than it takes to notice and replace a lost connection, so that only a real outage makes the feed stale. */
const staleAfterMilliseconds = 10_000
const defaultPollMilliseconds = 250
/** Expired entries are removed in small steps, so that no single request pays for many at once. */
const minSweep = 100
/** Every so many polls, the log is read although the subscription is up, if notices can get lost. */
const pollsPerLossyRead = 8

/**
 * Keeps the live revocations of all instances in memory. It reads new entries from the log on each notice, after each
 * (re)connection, and four times a second while not connected; one read at a time. Throws if the log cannot be read at
 * the start.
 */
export async function openRevocationFeed(options: RevocationFeedOptions): Promise<OpenRevocationFeed> {
  const { log, clock, notices, whenStale } = options
  const set = revocationSet()
  const position = feedPosition(maxCommitMilliseconds)
  const followers = new Set<(revocations: readonly Revocation[]) => void>()
  let connected = false
  let freshAt = clock.now()
  let polls = 0

  function take(revocations: readonly Revocation[]): void {
    const now = clock.now()
    const unseen = revocations.filter(({ id, at }) => position.note(id, now, Math.min(now, at + maxCommitMilliseconds)))
    for (const revocation of unseen) set.add(revocation)
    set.sweep(now, minSweep + 2 * unseen.length)
    if (unseen.length > 0) for (const follower of followers) follower(unseen)
  }

  const reading = catchUp(async () => {
    const startedAt = clock.now()
    take(await log.after(position.settled))
    freshAt = startedAt
  })
  const poll = (): void => {
    polls += 1
    const lossyReadIsDue = notices?.lossy && polls % pollsPerLossyRead === 0
    if (!connected || reading.behind || lossyReadIsDue) void reading.request()
  }
  const isStale = () => notices !== undefined && clock.now() - freshAt > staleAfterMilliseconds
  const refusesOrThrows: Revocations['refuses'] = (token) => {
    const refusal = set.refuses(token)
    if (refusal === undefined && isStale())
      throw new Unavailable('The revocations of other instances are not known now.')
    return refusal
  }

  take(await log.live())
  const stop =
    notices &&
    keepSubscribed(
      notices.connect,
      {
        onNotice: () => void reading.request(),
        onUp() {
          connected = true
          void reading.request()
        },
        onAlive() {
          // An answer proves that all notices have arrived, unless notices can get lost.
          if (!reading.behind && reading.running === undefined && !notices.lossy) freshAt = clock.now()
        },
        onDown() {
          connected = false
        }
      },
      options
    )
  const polling = notices && setInterval(poll, options.timing?.pollMilliseconds ?? defaultPollMilliseconds)

  return {
    revocations: {
      refuses: whenStale === 'deny' ? refusesOrThrows : set.refuses,
      issuableFrom: set.issuableFrom,
      async announce(revocations) {
        take(revocations)
        if (revocations.length > 0) await notices?.publish?.()
      }
    },
    feed: {
      read: (id) => (id === undefined ? log.live() : log.since(id)),
      follow(follower) {
        followers.add(follower)
        return () => void followers.delete(follower)
      },
      state: () => ({
        connected: notices === undefined || connected,
        stale: isStale(),
        lagSeconds: notices === undefined ? 0 : Math.max(0, clock.now() - freshAt) / 1000,
        size: set.size
      })
    },
    async close() {
      clearInterval(polling)
      await stop?.()
      await reading.running
    }
  }
}
