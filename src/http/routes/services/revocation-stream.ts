import { setTimeout as delay } from 'node:timers/promises'
import type { Revocation } from '../../../core/revocation-set.js'
import type { AccessTokens, RevocationFeed } from '../../../ports/index.js'
import { timeView } from '../../schemas/shared.js'

export interface RevocationStreamOptions {
  readonly feed: RevocationFeed
  readonly keys: Pick<AccessTokens, 'jwks' | 'followKeys'>
  /** The id of the last event that the reader has received, if any. */
  readonly lastEventId: string | undefined
  /** The stream ends with the credential of its reader. */
  readonly credential?: { readonly sid: string; hasExpired(): boolean } | undefined
  /** Ends the stream without an error. */
  readonly closing: AbortSignal
  readonly heartbeatMilliseconds?: number
  /** How many entries can wait for a slow reader. */
  readonly capacity?: number
}

/** The reader is slower than the feed, and too many entries wait. It can reconnect with `Last-Event-ID`. */
export class SlowReader extends Error {
  override readonly name = 'SlowReader'
}

/**
 * The feed as server-sent events: the entries after `lastEventId`, the ids of the valid keys, `ready`, then each new
 * entry, and the keys after each change. A comment follows each heartbeat without an event. It is left out while this
 * instance's own feed is stale, so readers notice the silence and mark their feed stale too. Throws `SlowReader`.
 *
 * Ids are `<epoch>.<id>`. The stream ends with its epoch, because an id of the next one can name another entry. The
 * reader connects again, and gets all entries, because its id is of an epoch that is over. It also ends with the reader's
 * credential.
 */
export async function* revocationStream(options: RevocationStreamOptions): AsyncGenerator<string, void, undefined> {
  const { feed, keys, lastEventId, credential, heartbeatMilliseconds = 1000, capacity = 10_000 } = options
  const { name, over } = feed.epoch()
  const revoked = new AbortController()
  const closing = AbortSignal.any([options.closing, over, revoked.signal])
  let waiting: Revocation[] = []
  let wake = new AbortController()
  // Follow before reading, so no entry is lost in between. An entry in both is sent twice.
  const unfollow = feed.follow((revocations) => {
    if (credential && revocations.some(({ sid }) => sid === null || sid === credential.sid)) revoked.abort()
    if (waiting.length <= capacity) waiting.push(...revocations)
    wake.abort()
  })
  const unfollowKeys = keys.followKeys(() => wake.abort())

  try {
    const missed = await feed.read(idWithin(name, lastEventId))
    if (over.aborted || missed.some(({ sid }) => sid === credential?.sid)) return
    for (const revocation of missed) yield eventOf(name, revocation)
    let sentKeys = keysEvent(keys)
    yield sentKeys
    yield 'event: ready\ndata: {}\n\n'
    while (!closing.aborted && !credential?.hasExpired()) {
      if (waiting.length > capacity) throw new SlowReader('The reader of the feed is too slow.')
      const next = waiting
      waiting = []
      wake = new AbortController()
      for (const revocation of next) yield eventOf(name, revocation)
      // Also compared after a heartbeat: a key can retire without a notice.
      const currentKeys = keysEvent(keys)
      if (currentKeys !== sentKeys) yield currentKeys
      sentKeys = currentKeys
      const activity = AbortSignal.any([wake.signal, closing])
      const silent = await delay(heartbeatMilliseconds, true, { signal: activity }).catch(() => false)
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

/** The id of the entry, if the event was sent in this epoch of this process. */
function idWithin(epoch: string, lastEventId: string | undefined): bigint | undefined {
  return lastEventId?.startsWith(`${epoch}.`) ? BigInt(lastEventId.slice(epoch.length + 1)) : undefined
}

function eventOf(epoch: string, { id, sid, reason, at, expiresAt }: Revocation): string {
  const data = JSON.stringify({ sid, reason, at: timeView(at), expires_at: timeView(expiresAt) })
  return `id: ${epoch}.${id}\nevent: revocation\ndata: ${data}\n\n`
}
