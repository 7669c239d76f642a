import type { Presented, RotationState, Verdict } from '../../../src/core/rotation.js'

/** How long the model's sessions live, in seconds. */
export interface Life {
  readonly idleSeconds: number
  readonly absoluteSeconds: number
}

/** The row of a new session. Rows are never changed, only replaced. */
export function newRow(life: Life, now: number): RotationState {
  const absoluteExpiresAt = now + life.absoluteSeconds * 1000
  return {
    generation: 0,
    rotatedAt: null,
    retryKeyHash: null,
    recoveredGeneration: null,
    idleExpiresAt: Math.min(now + life.idleSeconds * 1000, absoluteExpiresAt),
    absoluteExpiresAt
  }
}

/** The row after a verdict, exactly as a SessionStore writes it; the same object if nothing is written. */
export function applyVerdict(
  row: RotationState,
  verdict: Verdict,
  presented: Presented,
  life: Life,
  now: number
): RotationState | null {
  const used = { rotatedAt: now, idleExpiresAt: Math.min(now + life.idleSeconds * 1000, row.absoluteExpiresAt) }
  switch (verdict.kind) {
    case 'expired':
    case 'reuse':
      return null
    case 'current':
      return row
    case 'replay':
      return verdict.renew ? { ...row, ...used, recoveredGeneration: verdict.generation } : row
    case 'recover':
      return { ...row, ...used, recoveredGeneration: verdict.generation, retryKeyHash: presented.retryKeyHash }
    case 'rotate':
    case 'restore':
      return { ...row, ...used, generation: verdict.generation, retryKeyHash: presented.retryKeyHash }
  }
}
