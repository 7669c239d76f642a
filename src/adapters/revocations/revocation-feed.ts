import { type Revocation, revocationSet } from '../../core/revocation-set.js'
import { Unavailable } from '../../ports/errors.js'
import {
  type RevocationFeed,
  type RevocationLog,
  type Revocations,
  slowestCommitSeconds
} from '../../ports/revocations.js'
import type { Clock, Entropy } from '../../ports/runtime.js'
import type { NoticeSource } from '../notices/notices.js'
import { keepSubscribed, type SubscriptionTiming } from '../notices/subscription.js'
import { feedPosition } from './feed-position.js'

export interface RevocationFeedOptions {
  readonly log: RevocationLog
  readonly clock: Pick<Clock, 'now'>
  readonly entropy: Pick<Entropy, 'bytes'>
  /** None where this process is the only one that writes. */
  readonly notices?: NoticeSource | undefined
  /** Whether access tokens are still trusted when the feed has been silent for too long. */
  readonly whenStale: 'allow' | 'deny'
  readonly timing?: SubscriptionTiming & { readonly pollMilliseconds: number }
}

export interface OpenRevocationFeed {
  readonly revocations: Revocations
  readonly feed: RevocationFeed
  close(): Promise<void>
}

const slowestCommitMilliseconds = slowestCommitSeconds * 1000
/** Longer than a lost connection takes to be found and replaced, so that only a real outage is one. */
const staleAfterMilliseconds = 10_000
const usualPollMilliseconds = 250
/** Removing expired entries is spread over the calls, so that no single request pays for a long quiet time. */
const sweepAtLeast = 100
/** In every so many polls, one that reads the log although the subscription is up. */
const lossyPollEvery = 8

/**
 * The revocations of every instance in this process's memory. A notice makes it read what is new from
 * the log, one read at a time however many come; so does every (re)subscription, and while there is
 * none it reads four times a second. Throws where the live entries cannot be read at the start.
 */
export async function openRevocationFeed(options: RevocationFeedOptions): Promise<OpenRevocationFeed> {
  const { log, clock, notices, whenStale } = options
  const set = revocationSet()
  const position = feedPosition(slowestCommitMilliseconds)
  const followers = new Set<(revocations: readonly Revocation[]) => void>()
  let connected = false
  let behind = false
  let freshAt = clock.now()
  let reading: Promise<void> | undefined
  let polls = 0

  function take(revocations: readonly Revocation[]): void {
    const now = clock.now()
    const unseen = revocations.filter(({ id, at }) =>
      position.note(id, now, Math.min(now, at + slowestCommitMilliseconds))
    )
    for (const revocation of unseen) set.add(revocation)
    set.sweep(now, sweepAtLeast + 2 * unseen.length)
    if (unseen.length > 0) for (const follower of followers) follower(unseen)
  }

  async function read(): Promise<void> {
    try {
      while (behind) {
        behind = false
        const asked = clock.now()
        take(await log.after(position.settled))
        freshAt = asked
      }
    } catch {
      // The next poll asks again, and until one succeeds the feed grows stale.
      behind = true
    } finally {
      reading = undefined
    }
  }

  const catchUp = (): void => {
    behind = true
    reading ??= read()
  }
  const poll = (): void => {
    polls += 1
    if (!connected || behind || (notices?.lossy && polls % lossyPollEvery === 0)) catchUp()
  }
  const isStale = () => notices !== undefined && clock.now() - freshAt > staleAfterMilliseconds
  const refusesUnlessStale: Revocations['refuses'] = (token) => {
    const refusal = set.refuses(token)
    if (refusal === undefined && isStale()) throw new Unavailable('What other instances have revoked is not known now.')
    return refusal
  }

  take(await log.live())
  const stop =
    notices &&
    keepSubscribed(
      notices.connect,
      {
        onNotice: catchUp,
        onUp() {
          connected = true
          catchUp()
        },
        onAlive() {
          // What a lossy source did not tell is only known by reading.
          if (!behind && reading === undefined && !notices.lossy) freshAt = clock.now()
        },
        onDown() {
          connected = false
        }
      },
      options
    )
  const polling = notices && setInterval(poll, options.timing?.pollMilliseconds ?? usualPollMilliseconds)

  return {
    revocations: {
      refuses: whenStale === 'deny' ? refusesUnlessStale : set.refuses,
      issuableFrom: set.issuableFrom,
      async announce(revocations) {
        take(revocations)
        await notices?.publish?.()
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
      await reading
    }
  }
}
