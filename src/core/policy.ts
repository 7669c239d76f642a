import type { Mode } from './vocabulary.js'

/** When a refresh token rotates and which older generations are still answered. */
export interface RotationPolicy {
  /** A session rotates at most once in this time, and the generation before stays good for it. 0 is strict rotation: every refresh rotates, every older token is reuse (ASVS 10.4.5). */
  readonly graceSeconds: number
  /**
   * At most one lost response is forgiven in this many generations. 0 forgives none; 1 would forgive
   * every one, and with it a thief for ever: no setting may be 1.
   */
  readonly recoveryGenerations: number
}

/** How long things live, in seconds, and how many sessions a user may hold. */
export interface SessionPolicy extends RotationPolicy {
  readonly accessTokenTtlSeconds: number
  readonly refreshIdleTtlSeconds: number
  readonly refreshAbsoluteTtlSeconds: number
  readonly maxSessionsPerUser: number
  readonly modes: readonly Mode[]
}

/**
 * How long after its login a session ends, in seconds. Only the idle end moves later, and never past
 * the absolute one (ASVS 7.3.1, 7.3.2). An `access` session lives exactly as long as its one token.
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
