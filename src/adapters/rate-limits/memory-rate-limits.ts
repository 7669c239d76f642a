import type { RateLimits } from '../../ports/limits.js'

export interface MemoryOptions {
  /** How many keys of one allowance are remembered. */
  readonly capacity?: number
  /** A clock of milliseconds that never jumps. */
  readonly monotonic?: () => number
}

interface Window {
  uses: number
  readonly endsAt: number
}

const usualCapacity = 50_000

/**
 * Counts in this process's memory. Above `capacity` keys in one window the oldest is forgotten: whoever
 * brings that about has made as many attempts as there are keys.
 */
export function memoryRateLimits(options: MemoryOptions = {}): RateLimits {
  const { capacity = usualCapacity, monotonic = () => performance.now() } = options
  // All windows of one allowance are of one length, so the first to have been opened is the first to end.
  const windowsByName = new Map<string, Map<string, Window>>()

  function windowsOf(name: string, now: number): Map<string, Window> {
    const windows = windowsByName.get(name) ?? new Map<string, Window>()
    windowsByName.set(name, windows)
    for (const [key, window] of windows) {
      if (window.endsAt > now) break
      windows.delete(key)
    }
    return windows
  }

  return {
    async use({ allowance, key }) {
      const now = monotonic()
      const windows = windowsOf(allowance.name, now)
      const window = windows.get(key) ?? { uses: 0, endsAt: now + allowance.windowSeconds * 1000 }
      const granted = window.uses < allowance.max
      if (granted) window.uses += 1
      windows.set(key, window)
      for (const oldest of windows.keys()) {
        if (windows.size <= capacity) break
        windows.delete(oldest)
      }
      return { granted, uses: window.uses, endsInSeconds: (window.endsAt - now) / 1000 }
    },

    async undo({ allowance, key }) {
      const window = windowsOf(allowance.name, monotonic()).get(key)
      if (window !== undefined && window.uses > 0) window.uses -= 1
    }
  }
}

/**
 * `limits` that answer a refusal only after a while, so that a client that tries again at once spends its own
 * time and not ours: a flood over some connections becomes as many requests as there are connections.
 */
export function unhurried(limits: RateLimits, pause: () => Promise<void>): RateLimits {
  return {
    ...limits,
    async use(use) {
      const taking = await limits.use(use)
      if (!taking.granted) await pause()
      return taking
    }
  }
}

/** For who switches limits off. */
export const noRateLimits: RateLimits = {
  use: async () => ({ granted: true, uses: 0, endsInSeconds: 0 }),
  undo: async () => undefined
}
