import type { Auth } from './access-claims.js'
import { inTurns } from './in-turns.js'
import { type RevocationTerms, refusalBy } from './revocation-set.js'
import type {
  HeldCredential,
  OpenedCredential,
  SignedInWatch,
  WatchEndReason,
  WatchOptions
} from './signed-in-watch.js'
import { isEndedReason } from './vocabulary.js'
import { watchIndex } from './watch-index.js'

/** What the watches need of their surroundings. */
export interface WatchesOptions {
  /** Milliseconds, by the clock that tokens are checked with. */
  now(): number
  /** Calls `run` in a later turn of the event loop. */
  nextTurn(run: () => void): void
  /** Calls `run` about once a second, until the returned function is called. */
  everySecond(run: () => void): () => void
  /** Whether revocations may be missing. */
  isStale(): boolean
  /** Whether requests are refused while revocations may be missing. */
  readonly deniesWhenStale: boolean
  /** Gets what an `onEnd` has thrown. */
  onFailure(error: unknown): void
}

/** The watches over all open connections of this process. */
export interface SignedInWatches {
  /** How many connections are watched, or wait for their `onEnd`. */
  readonly size: number
  /** Watches a connection with the credential `opened`. `open` checks a later token. */
  start(opened: OpenedCredential, open: (token: string) => OpenedCredential, options: WatchOptions): SignedInWatch
  /** Ends the connections that this entry of the feed concerns. */
  revoke(entry: RevocationTerms): void
  /** Ends the connections whose credential is refused now, as after the withdrawal of a key. */
  recheck(): void
  /** Ends all connections, and from now on each new one. Resolves when every `onEnd` was called. */
  close(): Promise<void>
}

interface Watch {
  readonly onEnd: WatchOptions['onEnd']
  /** Undefined until the credential is known, and after the end. */
  held: HeldCredential | undefined
  isOver: boolean
}

/** Everybody's sessions can end at once. The event loop serves others after so many calls of `onEnd`. */
export const endsPerTurn = 100
const rereadDelayMilliseconds = 10_000

/**
 * Makes watches over open connections. They need one timer in all: once a second it finds the credentials that have
 * expired. An entry of the feed finds its connections by their session.
 */
export function signedInWatches(options: WatchesOptions): SignedInWatches {
  const { now, nextTurn, everySecond, isStale, deniesWhenStale, onFailure } = options
  const watches = watchIndex<Watch>()
  const ends = inTurns<Watch>(endsPerTurn, nextTurn)
  const toReread = new Set<Watch>()
  let isRereading = false
  let stopTimer: (() => void) | undefined
  let wasStale = false
  let isClosed = false

  function hold(watch: Watch, held: HeldCredential): void {
    release(watch)
    watch.held = held
    watches.add(watch, held.auth.sessionId, held.expiresAt)
    if (stopTimer !== undefined) return
    wasStale = isStale()
    stopTimer = everySecond(tick)
  }

  function release(watch: Watch): void {
    const { held } = watch
    if (held === undefined) return
    watch.held = undefined
    watches.delete(watch, held.auth.sessionId, held.expiresAt)
    toReread.delete(watch)
    if (watches.size > 0) return
    stopTimer?.()
    stopTimer = undefined
  }

  function begin(watch: Watch, opened: HeldCredential | WatchEndReason): Auth | null {
    if (watch.isOver) return null
    const held = usable(opened)
    if (typeof held === 'string') {
      end(watch, held)
      return null
    }
    hold(watch, held)
    if (held.expiresAt <= now()) expire(watch)
    return held.auth
  }

  /** The credential, or why it is refused now. It may be older than the latest entry of the feed. */
  function usable(opened: HeldCredential | WatchEndReason): HeldCredential | WatchEndReason {
    if (isClosed) return 'closing'
    if (typeof opened === 'string') return opened
    return opened.refusal() ?? (deniesWhenStale && isStale() ? 'unavailable' : opened)
  }

  function end(watch: Watch, reason: WatchEndReason): void {
    watch.isOver = true
    release(watch)
    ends.add(watch, () => call(watch.onEnd, reason))
  }

  function call(onEnd: WatchOptions['onEnd'], reason: WatchEndReason): void {
    try {
      const result = onEnd(reason)
      if (result instanceof Promise) result.catch(onFailure)
    } catch (error) {
      onFailure(error)
    }
  }

  function tick(): void {
    const isStaleNow = isStale()
    if (isStaleNow && deniesWhenStale) endAll('unavailable')
    // Entries that were written while the feed was stale may have expired before it was back.
    if (wasStale && !isStaleNow) for (const watch of watches.all()) rereadSoon(watch)
    wasStale = isStaleNow
    for (const watch of watches.due(now())) expire(watch)
  }

  function expire(watch: Watch): void {
    if (watch.held?.reread === undefined) end(watch, 'token_expired')
    else rereadSoon(watch)
  }

  function rereadSoon(watch: Watch): void {
    if (watch.held?.reread === undefined) return
    toReread.add(watch)
    if (!isRereading) void rereadAll()
  }

  /** Reads one session after the other, so that many connections do not flood the database. */
  async function rereadAll(): Promise<void> {
    isRereading = true
    for (const watch of toReread) {
      const { held } = watch
      const result = await held?.reread?.().catch(() => now() + rereadDelayMilliseconds)
      toReread.delete(watch)
      if (held === undefined || result === undefined || watch.held !== held) continue
      if (typeof result === 'string') end(watch, result)
      else hold(watch, { ...held, expiresAt: result })
    }
    isRereading = false
  }

  function endIfRevoked(watch: Watch, entry: RevocationTerms): void {
    const { held } = watch
    const isRefused = held !== undefined && refusalBy(entry, { sid: held.auth.sessionId, iat: held.iat }) !== undefined
    // A session on the server has no token whose age tells whether it has the new roles.
    const isOfServerSession = held?.reread !== undefined && entry.sid !== null
    if (isRefused || isOfServerSession) end(watch, endReasonOf(entry))
    // An entry for everybody that arrives late can be older than the watch, and yet concern its session.
    else rereadSoon(watch)
  }

  function endAll(reason: WatchEndReason): void {
    for (const watch of watches.all()) end(watch, reason)
  }

  async function renewed(watch: Watch, opened: OpenedCredential): Promise<Auth | null> {
    const next = usable(await opened)
    const { held } = watch
    if (held === undefined || typeof next === 'string' || next.auth.sessionId !== held.auth.sessionId) return null
    if (next.expiresAt > held.expiresAt) hold(watch, next)
    return next.auth
  }

  return {
    get size() {
      return watches.size + ends.size
    },

    start(opened, open, options) {
      const { onEnd }: Partial<WatchOptions> = Object(options)
      // Otherwise the connection would stay open when its session ends, and only a log line would say why.
      if (typeof onEnd !== 'function') throw new TypeError('whileSignedIn needs a function onEnd.')
      const watch: Watch = { onEnd, held: undefined, isOver: false }
      const auth =
        opened instanceof Promise
          ? opened.then((settled) => begin(watch, settled))
          : Promise.resolve(begin(watch, opened))
      return {
        auth,
        // The token may come from a stranger's message, so it may be anything.
        renew: (token) => auth.then(() => (typeof token === 'string' ? renewed(watch, open(token)) : null)),
        stop() {
          watch.isOver = true
          release(watch)
          ends.delete(watch)
        }
      }
    },

    revoke(entry) {
      const concerned = entry.sid === null ? watches.all() : watches.ofSession(entry.sid)
      for (const watch of concerned) endIfRevoked(watch, entry)
    },

    recheck() {
      for (const watch of watches.all()) {
        const refusal = watch.held?.refusal()
        if (refusal !== undefined) end(watch, refusal)
      }
    },

    close() {
      isClosed = true
      endAll('closing')
      return ends.settled()
    }
  }
}

/** The reason for a connection that this entry of the feed ends. */
export function endReasonOf({ reason }: Pick<RevocationTerms, 'reason'>): WatchEndReason {
  return reason === 'roles_changed' || isEndedReason(reason) ? reason : 'session_revoked'
}
