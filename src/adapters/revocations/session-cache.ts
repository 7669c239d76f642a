import { sessionEnd } from '../../core/policy.js'
import type { RevocationFeed } from '../../ports/revocations.js'
import type { Clock } from '../../ports/runtime.js'
import type { LiveSession, SessionResolver, SessionStore } from '../../ports/sessions.js'

export interface SessionCacheOptions {
  readonly sessions: Pick<SessionStore, 'find' | 'touch'>
  readonly feed: Pick<RevocationFeed, 'follow' | 'state'>
  readonly clock: Pick<Clock, 'now'>
  /** How many sessions are kept; the one that was used least recently goes. */
  readonly capacity?: number
}

interface CachedSession {
  readonly session: LiveSession
  readonly readAt: number
}

/** A read under way; what the feed says meanwhile makes its result too old to keep. */
interface PendingRead {
  overtaken: boolean
  readonly session: Promise<LiveSession | undefined>
}

const lifeMilliseconds = 30_000
const usualCapacity = 10_000

/**
 * Server-side sessions in this process's memory, each for at most 30 s. An entry of the feed drops
 * its session at once, whatever the entry's reason: an ended session is gone, and one whose user's
 * roles have changed is read again. While the feed is stale, every request asks the store.
 */
export function sessionCache({
  sessions,
  feed,
  clock,
  capacity = usualCapacity
}: SessionCacheOptions): SessionResolver {
  // The least recently used comes first.
  const cached = new Map<string, CachedSession>()
  const pending = new Map<string, PendingRead>()

  feed.follow((revocations) => {
    for (const { sid } of revocations) drop(sid)
  })

  function drop(sid: string | null): void {
    if (sid === null) cached.clear()
    else cached.delete(sid)
    const overtaken = sid === null ? [...pending.values()] : [pending.get(sid)]
    for (const read of overtaken) if (read !== undefined) read.overtaken = true
    if (sid === null) pending.clear()
    else pending.delete(sid)
  }

  function fromMemory(sid: string): LiveSession | undefined {
    const entry = cached.get(sid)
    if (entry === undefined) return undefined
    cached.delete(sid)
    const now = clock.now()
    const ends = Math.min(sessionEnd(entry.session), entry.readAt + lifeMilliseconds)
    // What seems to have ended may have been used elsewhere since: the store knows.
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
    const underWay = pending.get(sid)
    if (underWay !== undefined) return underWay.session
    const readAt = clock.now()
    const read: PendingRead = {
      overtaken: false,
      session: sessions
        .find(sid)
        .then((session) => {
          if (session?.mode === 'session' && !read.overtaken) keep(session, readAt)
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
      if (feed.state().stale) return sessions.find(sid)
      return fromMemory(sid) ?? fromStore(sid)
    },
    async touch(sid) {
      await sessions.touch(sid)
      drop(sid)
    }
  }
}
