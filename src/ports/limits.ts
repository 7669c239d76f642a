import type { Allowance } from '../core/allowance.js'

/** One use of an allowance: by whom is in `key`. */
export interface RateLimitUse {
  readonly allowance: Allowance
  readonly key: string
}

/** What became of a use. */
interface RateLimitResult {
  /** False where the allowance is used up; then nothing was counted. */
  readonly granted: boolean
  /** Uses in this window, this one among them where it was granted. */
  readonly uses: number
  /** How long the window goes on. */
  readonly endsInSeconds: number
}

/** Counts how often things are done. Never throws: counting goes on in memory where the shared store is away. */
export interface RateLimits {
  /** Takes one use of the allowance, however many ask at once. */
  use(use: RateLimitUse): Promise<RateLimitResult>
  /** Takes one use back, as if it had not been made. */
  undo(use: RateLimitUse): Promise<void>
}
