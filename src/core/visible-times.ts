/** Users see the times of their sessions in steps of this length. */
export const visibleStepSeconds = 300

interface SessionTimes {
  readonly lastUsedAt: number
  readonly usedBeforeAt: number | null
  readonly idleExpiresAt: number
  readonly absoluteExpiresAt: number
}

/**
 * The session with the times that its user sees: cut down to whole five minutes, and a use shows only when its five
 * minutes are over. So nothing that the user sees changes when the session is used. Otherwise a thief could poll it and
 * refresh right after the client each time, inside the grace window, without being caught.
 */
export function withVisibleTimes<T extends SessionTimes>(session: T, idleTtlSeconds: number, now: number): T {
  const { lastUsedAt, usedBeforeAt, absoluteExpiresAt } = session
  const used = cutDown(lastUsedAt < cutDown(now) ? lastUsedAt : (usedBeforeAt ?? lastUsedAt))
  // The row's own idle end would show the time of the last use.
  const idleExpiresAt = cutDown(Math.min(used + idleTtlSeconds * 1000, absoluteExpiresAt))
  return { ...session, lastUsedAt: used, usedBeforeAt: null, idleExpiresAt }
}

/** Cuts a time in milliseconds down to a whole step. */
export function cutDown(milliseconds: number): number {
  const step = visibleStepSeconds * 1000
  return Math.floor(milliseconds / step) * step
}
