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
    keyUsed: false,
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
  const moved = {
    rotatedAt: now,
    retryKeyHash: presented.retryKeyHash,
    keyUsed: row.keyUsed || presented.retryKeyHash !== null,
    idleExpiresAt: Math.min(now + life.idleSeconds * 1000, row.absoluteExpiresAt)
  }
  switch (verdict.kind) {
    case 'expired':
    case 'reuse':
      return null
    case 'current':
    case 'access_only':
    case 'replay':
      return row
    case 'renew':
    case 'recover':
      return { ...row, ...moved, recoveredGeneration: verdict.generation }
    case 'rotate':
    case 'restore':
      return { ...row, ...moved, generation: verdict.generation }
  }
}
