import type { RateLimits } from '../../ports/limits.js'

export interface MemoryOptions {
  /** How many keys of one limit are remembered. */
  readonly capacity?: number
  /** A clock in milliseconds that never jumps. */
  readonly monotonic?: () => number
}

interface Window {
  uses: number
  readonly endsAt: number
}

const defaultCapacity = 50_000

/**
 * Counts in this process's memory. Above `capacity` keys of one limit the oldest window is forgotten: only a client
 * that makes as many attempts as there are keys can cause that.
 */
export function memoryRateLimits(options: MemoryOptions = {}): RateLimits {
  const { capacity = defaultCapacity, monotonic = () => performance.now() } = options
  // The windows of one limit are equally long, so the first one opened is the first to end.
  const windowsByName = new Map<string, Map<string, Window>>()

  function openWindows(name: string, now: number): Map<string, Window> {
    const windows = windowsByName.get(name) ?? new Map<string, Window>()
    windowsByName.set(name, windows)
    for (const [key, window] of windows) {
      if (window.endsAt > now) break
      windows.delete(key)
    }
    return windows
  }

  return {
    async use({ limit, key }) {
      const now = monotonic()
      const windows = openWindows(limit.name, now)
      const window = windows.get(key) ?? { uses: 0, endsAt: now + limit.windowSeconds * 1000 }
      const granted = window.uses < limit.max
      if (granted) window.uses += 1
      windows.set(key, window)
      for (const oldest of windows.keys()) {
        if (windows.size <= capacity) break
        windows.delete(oldest)
      }
      return { granted, uses: window.uses, endsInSeconds: (window.endsAt - now) / 1000 }
    },

    async undo({ limit, key }) {
      const window = openWindows(limit.name, monotonic()).get(key)
      if (window !== undefined && window.uses > 0) window.uses -= 1
    }
  }
}

/**
 * The same limits, but each refusal waits for `pause`. A client that retries at once then spends its own time and not
 * ours: it gets one refusal per connection and pause.
 */
export function withSlowRefusals(limits: RateLimits, pause: () => Promise<void>): RateLimits {
  return {
    ...limits,
    async use(use) {
      const result = await limits.use(use)
      if (!result.granted) await pause()
      return result
    }
  }
}

/** Grants everything: `RATE_LIMIT_ENABLED=false`. */
export const noRateLimits: RateLimits = {
  use: async () => ({ granted: true, uses: 0, endsInSeconds: 0 }),
  undo: async () => undefined
}
