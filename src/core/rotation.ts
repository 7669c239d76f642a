import type { RotationPolicy } from './policy.js'

/** The columns of a session that `decideRotation` needs. Times are milliseconds by the database's clock. */
export interface RotationState {
  readonly generation: number
  /** When the current grace window began: at the last rotation, renewal, recovery or restore. Null if there was none. */
  readonly rotatedAt: number | null
  /** SHA-256, in hex, of the `Idempotency-Key` of the request that made `generation`; null if it had none. */
  readonly retryKeyHash: string | null
  /** Whether the session has ever used a key. It stays true. */
  readonly keyUsed: boolean
  /** The generation that was last returned again after the grace window: by recovery, or for its key. Null if none. */
  readonly recoveredGeneration: number | null
  readonly idleExpiresAt: number
  readonly absoluteExpiresAt: number
}

/** A genuine token of the session: its mac is good, and its secret has the row's hash. */
export interface Presented {
  readonly generation: number
  readonly retryKeyHash: string | null
}

export type Verdict =
  /** The session is past one of its ends: delete the row. */
  | { readonly kind: 'expired'; readonly reason: 'idle_timeout' | 'absolute_timeout' }
  /** Move the row to `generation` by one conditional statement, and return the token of that generation. */
  | { readonly kind: 'rotate'; readonly generation: number }
  /** Return a new access token and keep the client's refresh token. Write nothing. */
  | { readonly kind: 'current'; readonly generation: number }
  /** The same for an older token without the key of the newest one: `generation` is the presented one. Write nothing. */
  | { readonly kind: 'access_only'; readonly generation: number }
  /** Return the token of `generation` again. Write nothing. `late`: outside the window, and not for the first time. */
  | { readonly kind: 'replay'; readonly generation: number; readonly late: boolean }
  /** Return the token of `generation` again, set `rotatedAt` and `recoveredGeneration`: the key shows that it is the client. */
  | { readonly kind: 'renew'; readonly generation: number }
  /** Return the token of `generation` again, set `rotatedAt` and `recoveredGeneration`: this lost response is forgiven. */
  | { readonly kind: 'recover'; readonly generation: number }
  /** Two parties hold this session: end it. */
  | { readonly kind: 'reuse' }
  /** The token is newer than the row, so the database was restored from a backup: move the row past the token. */
  | { readonly kind: 'restore'; readonly generation: number }

/**
 * Decides what to do with a refresh token: the rotation protocol, case by case. docs/rotation.md explains each case. `now`
 * is the database's clock in milliseconds.
 */
export function decideRotation(
  session: RotationState,
  presented: Presented,
  policy: RotationPolicy,
  now: number
): Verdict {
  if (now >= session.absoluteExpiresAt) return { kind: 'expired', reason: 'absolute_timeout' }
  if (now >= session.idleExpiresAt) return { kind: 'expired', reason: 'idle_timeout' }

  const { generation, rotatedAt } = session
  const strict = policy.graceSeconds === 0
  const withinGrace = !strict && rotatedAt !== null && now - rotatedAt < policy.graceSeconds * 1000

  if (presented.generation > generation) return { kind: 'restore', generation: presented.generation + 1 }
  if (presented.generation === generation) {
    return withinGrace ? { kind: 'current', generation } : { kind: 'rotate', generation: generation + 1 }
  }
  const hasKey = presented.retryKeyHash !== null && presented.retryKeyHash === session.retryKeyHash
  if (strict || presented.generation < generation - 2) return { kind: 'reuse' }
  if (presented.generation === generation - 2) {
    return withinGrace && hasKey ? { kind: 'replay', generation, late: false } : { kind: 'reuse' }
  }
  if (withinGrace) {
    // Where keys are used, an older token without the key may be a thief's. This request may be the first with a key.
    const usesKeys = session.keyUsed || presented.retryKeyHash !== null
    if (usesKeys && !hasKey) return { kind: 'access_only', generation: presented.generation }
    return { kind: 'replay', generation, late: false }
  }
  // Reopen the grace window only once per generation; otherwise a client that repeats this keeps it open forever.
  if (hasKey) {
    const isFirst = session.recoveredGeneration !== generation
    return isFirst ? { kind: 'renew', generation } : { kind: 'replay', generation, late: true }
  }
  if (mayRecover(session, policy)) return { kind: 'recover', generation }
  return { kind: 'reuse' }
}

function mayRecover(session: RotationState, policy: RotationPolicy): boolean {
  if (policy.recoveryGenerations === 0) return false
  if (session.recoveredGeneration === null) return true
  return session.generation - session.recoveredGeneration >= policy.recoveryGenerations
}
