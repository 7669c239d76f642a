import type { RateLimit, RunLimit } from '../../core/rate-limits.js'
import type { LimitCounter, RateLimits, RateLimitUse, RunCounter } from '../../ports/limits.js'

/** All limits: `windows` counts uses in a window of time, `runs` counts failures in a row. */
export function rateLimits(windows: LimitCounter<RateLimit>, runs: RunCounter): RateLimits {
  return {
    use: (use) => (isOfRun(use) ? runs.use(use) : windows.use(use as RateLimitUse<RateLimit>)),
    undo: (use) => (isOfRun(use) ? runs.undo(use) : windows.undo(use as RateLimitUse<RateLimit>)),
    forget: (use) => runs.forget(use)
  }
}

const isOfRun = (use: RateLimitUse): use is RateLimitUse<RunLimit> => 'pauses' in use.limit

/** Grants everything: `RATE_LIMIT_ENABLED=false`. */
export const noRateLimits: RateLimits = {
  use: async () => ({ granted: true, uses: 0, endsInSeconds: 0 }),
  undo: async () => undefined,
  forget: async () => undefined
}
