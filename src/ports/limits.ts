import type { RateLimit } from '../core/rate-limits.js'

/** One use of a limit. */
export interface RateLimitUse {
  readonly limit: RateLimit
  /** The account, session or address that the use counts against. */
  readonly key: string
}

interface RateLimitResult {
  /** False if the limit is reached; the use was then not counted. */
  readonly granted: boolean
  /** The uses counted in this window, this one included if it was granted. */
  readonly uses: number
  /** Seconds until the window ends. */
  readonly endsInSeconds: number
}

/** Counts uses of limits. Never throws: if the shared store cannot be reached, each instance counts in its own memory. */
export interface RateLimits {
  /** Counts one use if the limit allows it. Simultaneous uses never exceed the limit. */
  use(use: RateLimitUse): Promise<RateLimitResult>
  /** Gives one counted use back. */
  undo(use: RateLimitUse): Promise<void>
}
