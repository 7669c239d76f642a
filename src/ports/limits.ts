import type { RateLimit, RunLimit } from '../core/rate-limits.js'

/** One use of a limit. */
export interface RateLimitUse<Limit = RateLimit | RunLimit> {
  readonly limit: Limit
  /** The account, session or network that the use counts against. */
  readonly key: string
}

export interface RateLimitResult {
  /** False if the limit is reached; the use was then not counted. */
  readonly granted: boolean
  /** The uses counted, this one included if it was granted. */
  readonly uses: number
  /** Seconds until the window or pause ends. */
  readonly endsInSeconds: number
}

/** Counts uses of limits of the kind `Limit`. */
export interface LimitCounter<Limit> {
  /** Counts one use if the limit allows it. Simultaneous uses never exceed the limit. */
  use(use: RateLimitUse<Limit>): Promise<RateLimitResult>
  /** Gives one counted use back. */
  undo(use: RateLimitUse<Limit>): Promise<void>
}

/** Counts failures in a row, for all instances together. Throws `Unavailable` without the database. */
export interface RunCounter extends LimitCounter<RunLimit> {
  /** Resets the count of failures to 0. */
  forget(use: RateLimitUse<RunLimit>): Promise<void>
}

/**
 * Counts uses of all limits. Those of a `RateLimit` never throw: if the shared store cannot be reached, each instance
 * counts in its own memory.
 */
export interface RateLimits extends LimitCounter<RateLimit | RunLimit>, Pick<RunCounter, 'forget'> {}
