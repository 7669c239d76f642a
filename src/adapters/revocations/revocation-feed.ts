import { type Revocation, revocationSet } from '../../core/revocation-set.js'
import { Unavailable } from '../../ports/errors.js'
import type { FeedEpoch, RevocationFeed, RevocationLog, Revocations } from '../../ports/revocations.js'
import type { Clock, Entropy } from '../../ports/runtime.js'
import { catchUp } from '../notices/catch-up.js'
import type { NoticeSource } from '../notices/notices.js'
import { keepSubscribed, type SubscriptionTiming } from '../notices/subscription.js'
import { logReader } from './log-reader.js'
import { repair } from './repair.js'

export interface RevocationFeedOptions {
  readonly log: RevocationLog
  readonly clock: Pick<Clock, 'now'>
  readonly entropy: Pick<Entropy, 'bytes'>
  /** Undefined if this process alone writes to the log. */
  readonly notices?: NoticeSource | undefined
  /** Whether access tokens are accepted while the feed is stale. */
  readonly whenStale: 'allow' | 'deny'
  /** Called when the log has lost or replaced entries that this process knew, with the number of those that are gone. */
  readonly onReset?: (lost: number) => void
  /** Called when this process has written lost entries again. */
  readonly onRestored?: (restored: number) => void
  readonly timing?: SubscriptionTiming & { readonly pollMilliseconds: number }
}

export interface OpenRevocationFeed {
  readonly revocations: Revocations
  readonly feed: RevocationFeed
  /** Whether a known entry says that this session has ended. Its row may be back after a failover. */
  hasEnded(sid: string): boolean
  close(): Promise<void>
}

/** Longer than it takes to notice and replace a lost connection, so that only a real outage makes the feed stale. */
const staleAfterMilliseconds = 10_000
const defaultPollMilliseconds = 250
/** Expired entries are removed in small steps, so that no single request pays for many at once. */
const minSweep = 100
/**
 * Every so many polls, the log is read although the subscription is up. So a revocation counts within a second without a
 * notice too: an instance cannot publish while the others receive, or somebody has disabled the trigger.
 */
const pollsPerRead = 3

/**
 * Keeps the live revocations of all instances in memory. It reads new entries from the log on each notice, after each
 * (re)connection, at intervals, and four times a second while not connected; one read at a time. An entry stays in force
 * until it expires, also if the log loses it; then it is written again. Throws if the log cannot be read at the start.
 */
export async function openRevocationFeed(options: RevocationFeedOptions): Promise<OpenRevocationFeed> {
  const { log, clock, entropy, notices, whenStale } = options
  const set = revocationSet()
  const followers = new Set<(revocations: readonly Revocation[]) => void>()
  let epoch = newEpoch(entropy)
  let connected = false
  let freshAt = clock.now()
  /** Why the last read failed; undefined after a good one. */
  let failure: unknown
  let polls = 0
  let resets = 0
  let restored = 0

  function take(revocations: readonly Revocation[]): void {
    for (const revocation of revocations) set.add(revocation)
    set.sweep(clock.now(), minSweep + 2 * revocations.length)
    if (revocations.length > 0) for (const follower of followers) follower(revocations)
  }

  const reader = logReader({
    log,
    clock,
    onNew: take,
    onReset(lost) {
      resets += 1
      const ended = epoch
      epoch = newEpoch(entropy)
      ended.end()
      options.onReset?.(lost.length)
      repairing.begin(lost)
    }
  })
  const repairing = repair({
    log,
    clock,
    async onRestored(revocations) {
      restored += revocations.length
      options.onRestored?.(revocations.length)
      reader.noteOwn(revocations)
      await notices?.publish?.()
    }
  })
  const reading = catchUp(async () => {
    const startedAt = clock.now()
    failure = await reader.read().catch((error: unknown) => error)
    if (failure !== undefined) throw failure
    freshAt = startedAt
  })
  const poll = (): void => {
    polls += 1
    const readIsDue = polls % pollsPerRead === 0
    if (!connected || reading.behind || readIsDue || reader.isComparisonDue()) void reading.request()
    if (repairing.behind) repairing.retry()
  }
  const isStale = () => notices !== undefined && clock.now() - freshAt > staleAfterMilliseconds
  const refusesOrThrows: Revocations['refuses'] = (token) => {
    const refusal = set.refuses(token)
    if (refusal === undefined && isStale())
      throw new Unavailable('The revocations of other instances are not known now.')
    return refusal
  }

  await reader.read()
  const stop =
    notices &&
    keepSubscribed(
      notices.connect,
      {
        onNotice: () => void reading.request(),
        onUp() {
          connected = true
          reader.compareNext()
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
      entryAgainst: set.entryAgainst,
      deniesWhenStale: whenStale === 'deny',
      issuableFrom: set.issuableFrom,
      async announce(revocations) {
        reader.noteOwn(revocations)
        if (revocations.length > 0) await notices?.publish?.()
      }
    },
    feed: {
      epoch: () => epoch,
      async read(after) {
        await reading.request()
        if (failure !== undefined) throw failure
        return reader.after(after)
      },
      follow(follower) {
        followers.add(follower)
        return () => void followers.delete(follower)
      },
      state: () => ({
        connected: notices === undefined || connected,
        stale: isStale(),
        lagSeconds: notices === undefined ? 0 : Math.max(0, clock.now() - freshAt) / 1000,
        size: set.size,
        resets,
        restored
      })
    },
    hasEnded: (sid) => set.refuses({ sid, iat: Number.POSITIVE_INFINITY }) === 'session_revoked',
    async close() {
      clearInterval(polling)
      await stop?.()
      await reading.running
      await repairing.running
    }
  }
}

function newEpoch(entropy: Pick<Entropy, 'bytes'>): FeedEpoch & { end(): void } {
  const ending = new AbortController()
  const name = Buffer.from(entropy.bytes(8)).toString('base64url')
  return { name, over: ending.signal, end: () => ending.abort() }
}
