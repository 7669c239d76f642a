import type { RotationPolicy } from './policy.js'

/** What `decideRotation` needs of a session's row. Times are milliseconds of the database's clock. */
export interface RotationState {
  readonly generation: number
  /** When the row last moved, or was last repeated to a client; null for a session that never refreshed. */
  readonly rotatedAt: number | null
  /** SHA-256 of the `Idempotency-Key` of the request that made `generation`, in hex. */
  readonly retryKeyHash: string | null
  /** The generation that was last handed out again after its window: by recovery, or to who had the key. */
  readonly recoveredGeneration: number | null
  readonly idleExpiresAt: number
  readonly absoluteExpiresAt: number
}

/** A genuine token of the session: its mac is good and its secret's hash is the row's. */
export interface Presented {
  readonly generation: number
  readonly retryKeyHash: string | null
}

export type Verdict =
  /** Past one of its ends: the row goes. */
  | { readonly kind: 'expired'; readonly reason: 'idle_timeout' | 'absolute_timeout' }
  /** Move the row to `generation` by one conditional statement, and hand out that generation. */
  | { readonly kind: 'rotate'; readonly generation: number }
  /** A fresh access token only; the client's refresh token stays as it is. Nothing is written. */
  | { readonly kind: 'current'; readonly generation: number }
  /** Hand out `generation` again. With `renew`, `rotatedAt` becomes now and `recoveredGeneration` this generation. */
  | { readonly kind: 'replay'; readonly generation: number; readonly renew: boolean }
  /** Hand out `generation` again and remember that this was forgiven. */
  | { readonly kind: 'recover'; readonly generation: number }
  /** Two parties hold this session: it ends. */
  | { readonly kind: 'reuse' }
  /** The database is older than the client (a restored backup): move forward past the client. */
  | { readonly kind: 'restore'; readonly generation: number }

/**
 * Decides what a presented refresh token is answered with: the rotation protocol, in its order.
 * docs/rotation.md explains each case. Pure; `now` is the database's clock in milliseconds.
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
    return withinGrace && hasKey ? { kind: 'replay', generation, renew: false } : { kind: 'reuse' }
  }
  if (withinGrace) return { kind: 'replay', generation, renew: false }
  // Once for each generation: whoever repeats it would hold the window open.
  if (hasKey) return { kind: 'replay', generation, renew: session.recoveredGeneration !== generation }
  if (mayRecover(session, policy)) return { kind: 'recover', generation }
  return { kind: 'reuse' }
}

function mayRecover(session: RotationState, policy: RotationPolicy): boolean {
  if (policy.recoveryGenerations === 0) return false
  if (session.recoveredGeneration === null) return true
  return session.generation - session.recoveredGeneration >= policy.recoveryGenerations
}
