import { setTimeout as delay } from 'node:timers/promises'
import type { Revocation } from '../../../core/revocation-set.js'
import type { RevocationFeed } from '../../../ports/revocations.js'
import type { AccessTokens } from '../../../ports/tokens.js'
import { timeView } from '../../schemas/shared.js'

export interface RevocationStreamOptions {
  readonly feed: RevocationFeed
  readonly keys: Pick<AccessTokens, 'jwks' | 'followKeys'>
  /** The last entry that the reader has seen; none where it has seen none. */
  readonly lastId: bigint | undefined
  /** Ends the stream in good order. */
  readonly over: AbortSignal
  readonly heartbeatMilliseconds?: number
  /** How many entries may wait for the reader. */
  readonly capacity?: number
}

/** The reader took its events more slowly than they came; it can resume where it is. */
export class SlowReader extends Error {
  override readonly name = 'SlowReader'
}

/**
 * The feed as server-sent events: what the reader may have missed, which keys are good, `ready`, and
 * then each entry as it comes, and the keys whenever they are others. Between them a comment shows
 * that nothing is missing: it stays away while this instance itself may not know everything, so that
 * readers see the silence. Throws `SlowReader`.
 */
export async function* revocationStream(options: RevocationStreamOptions): AsyncGenerator<string, void, undefined> {
  const { feed, keys, lastId, over, heartbeatMilliseconds = 1000, capacity = 10_000 } = options
  let waiting: Revocation[] = []
  let awaken = new AbortController()
  // Before the read, so that nothing falls in between; what comes in both is told twice.
  const unfollow = feed.follow((revocations) => {
    if (waiting.length <= capacity) waiting.push(...revocations)
    awaken.abort()
  })
  const unfollowKeys = keys.followKeys(() => awaken.abort())

  try {
    for (const revocation of await feed.read(lastId)) yield eventOf(revocation)
    let told = keysEvent(keys)
    yield told
    yield 'event: ready\ndata: {}\n\n'
    while (!over.aborted) {
      if (waiting.length > capacity) throw new SlowReader('The reader of the feed is too slow.')
      const next = waiting
      waiting = []
      awaken = new AbortController()
      for (const revocation of next) yield eventOf(revocation)
      // Looked at also after a silence: a key can retire by the clock alone.
      const now = keysEvent(keys)
      if (now !== told) yield now
      told = now
      const heard = AbortSignal.any([awaken.signal, over])
      const silent = await delay(heartbeatMilliseconds, true, { signal: heard }).catch(() => false)
      if (silent && !feed.state().stale) yield ': nothing new\n\n'
    }
  } finally {
    unfollow()
    unfollowKeys()
  }
}

function keysEvent({ jwks }: RevocationStreamOptions['keys']): string {
  return `event: keys\ndata: ${JSON.stringify({ kids: jwks().keys.map(({ kid }) => kid) })}\n\n`
}

function eventOf({ id, sid, reason, at, expiresAt }: Revocation): string {
  const data = JSON.stringify({ sid, reason, at: timeView(at), expires_at: timeView(expiresAt) })
  return `id: ${id}\nevent: revocation\ndata: ${data}\n\n`
}
