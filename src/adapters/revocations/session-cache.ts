import { sessionEnd } from '../../core/policy.js'
import type { RevocationFeed } from '../../ports/revocations.js'
import type { Clock } from '../../ports/runtime.js'
import type { LiveSession, SessionResolver, SessionStore } from '../../ports/sessions.js'

export interface SessionCacheOptions {
  readonly sessions: Pick<SessionStore, 'find' | 'touch'>
  readonly feed: Pick<RevocationFeed, 'follow' | 'state'>
  /** Whether an entry of the feed says that the session has ended, also if its row is back after a failover. */
  hasEnded(sid: string): boolean
  readonly clock: Pick<Clock, 'now'>
  /** How many sessions are kept; beyond it, the least recently used one is dropped. */
  readonly capacity?: number
}

interface CachedSession {
  readonly session: LiveSession
  readonly readAt: number
}

/** A running read. If the feed names its session meanwhile, the result is outdated and not kept. */
interface PendingRead {
  outdated: boolean
  readonly session: Promise<LiveSession | undefined>
}

const maxAgeMilliseconds = 30_000
const defaultCapacity = 10_000

/**
 * Keeps sessions of `session` mode in memory, each for at most 30 s. An entry of the feed drops its session at once,
 * for any reason: an ended session is gone, and a session with changed roles must be read again. While the feed is
 * stale, every request asks the store.
 */
export function sessionCache({
  sessions,
  feed,
  hasEnded,
  clock,
  capacity = defaultCapacity
}: SessionCacheOptions): SessionResolver {
  // Least recently used first.
  const cached = new Map<string, CachedSession>()
  const pending = new Map<string, PendingRead>()

  feed.follow((revocations) => {
    for (const { sid } of revocations) drop(sid)
  })

  function drop(sid: string | null): void {
    if (sid === null) cached.clear()
    else cached.delete(sid)
    const outdated = sid === null ? [...pending.values()] : [pending.get(sid)]
    for (const read of outdated) if (read !== undefined) read.outdated = true
    if (sid === null) pending.clear()
    else pending.delete(sid)
  }

  function fromMemory(sid: string): LiveSession | undefined {
    const entry = cached.get(sid)
    if (entry === undefined) return undefined
    cached.delete(sid)
    const now = clock.now()
    const ends = Math.min(sessionEnd(entry.session), entry.readAt + maxAgeMilliseconds)
    // Past its end, ask the store: another instance may have extended it.
    if (now >= ends) return undefined
    cached.set(sid, entry)
    return { ...entry.session, now }
  }

  function keep(session: LiveSession, readAt: number): void {
    cached.set(session.id, { session, readAt })
    for (const sid of cached.keys()) {
      if (cached.size <= capacity) return
      cached.delete(sid)
    }
  }

  function fromStore(sid: string): Promise<LiveSession | undefined> {
    const running = pending.get(sid)
    if (running !== undefined) return running.session
    const readAt = clock.now()
    const read: PendingRead = {
      outdated: false,
      session: sessions
        .find(sid)
        .then((session) => {
          if (session?.mode === 'session' && !read.outdated) keep(session, readAt)
          return session
        })
        .finally(() => {
          if (pending.get(sid) === read) pending.delete(sid)
        })
    }
    pending.set(sid, read)
    return read.session
  }

  return {
    async find(sid) {
      if (hasEnded(sid)) return undefined
      if (feed.state().stale) return sessions.find(sid)
      return fromMemory(sid) ?? fromStore(sid)
    },
    async touch(sid) {
      await sessions.touch(sid)
      drop(sid)
    }
  }
}
