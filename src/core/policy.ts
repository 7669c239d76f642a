import type { Mode } from './vocabulary.js'

/**
 * `latchkey/client` gives up a refresh after this time. The client imports nothing of the server, so
 * `src/client/renewal.ts` has its own copy, which `test/client/refresh.test.ts` compares with this one.
 */
export const refreshTimeoutSeconds = 9

/**
 * The default grace, and the shortest that is safe with that client: it must be more than twice the timeout. With less, a
 * slow refresh can end a session (docs/rotation.md).
 */
export const safeGraceSeconds = 20

/** When a refresh token rotates, and which older generations are still accepted. */
export interface RotationPolicy {
  /**
   * A session rotates at most once in this time, and the previous generation is accepted during it. 0 is strict rotation:
   * every refresh rotates, and every older token is reuse (ASVS 10.4.5).
   */
  readonly graceSeconds: number
  /**
   * At most one lost response is forgiven in this many generations. 0 forgives none. 1 is not allowed: it would forgive
   * every one, so a thief would never be caught.
   */
  readonly recoveryGenerations: number
}

/** How long tokens and sessions live, and how many sessions a user may have. */
export interface SessionPolicy extends RotationPolicy {
  readonly accessTokenTtlSeconds: number
  readonly refreshIdleTtlSeconds: number
  readonly refreshAbsoluteTtlSeconds: number
  readonly maxSessionsPerUser: number
  readonly modes: readonly Mode[]
}

/**
 * How long after the login a session's idle and absolute ends are, in seconds (ASVS 7.3.1, 7.3.2). Later uses move only
 * the idle end, and never past the absolute end. An `access` session lives exactly as long as its only token.
 */
export function sessionLifeSeconds(mode: Mode, policy: SessionPolicy): { idle: number; absolute: number } {
  if (mode === 'access') return { idle: policy.accessTokenTtlSeconds, absolute: policy.accessTokenTtlSeconds }
  return {
    idle: Math.min(policy.refreshIdleTtlSeconds, policy.refreshAbsoluteTtlSeconds),
    absolute: policy.refreshAbsoluteTtlSeconds
  }
}

/** When a session ends if it is not used again: the earlier of its two ends, in milliseconds. */
export function sessionEnd(session: { readonly idleExpiresAt: number; readonly absoluteExpiresAt: number }): number {
  return Math.min(session.idleExpiresAt, session.absoluteExpiresAt)
}
