import type { RateLimit } from '../../core/rate-limits.js'
import type { LimitCounter, RateLimitResult, RateLimitUse } from '../../ports/limits.js'
import { countMinSketch } from './count-min-sketch.js'

export interface MemoryOptions {
  /** How many keys of one limit have a window of their own. */
  readonly capacity?: number
  /** A clock in milliseconds that never jumps. */
  readonly monotonic?: () => number
}

export interface MemoryRateLimits extends LimitCounter<RateLimit> {
  /** The use is not `exact` if its key has no window of its own: then its count can be too high. */
  use(use: RateLimitUse<RateLimit>): Promise<RateLimitResult & { readonly exact: boolean }>
  /** Whether the key has a window of its own. Without one, `undo` does nothing. */
  isExact(use: RateLimitUse<RateLimit>): boolean
}

interface Window {
  uses: number
  readonly endsAt: number
}

/** What is counted for one limit. */
interface Counts {
  /** By key. The windows of one limit are equally long, so the first one opened is the first to end. */
  readonly windows: Map<string, Window>
  /** Counts the keys for which `windows` has no room. */
  sketch: ReturnType<typeof countMinSketch> | undefined
}

const defaultCapacity = 50_000

/**
 * Counts in this process's memory, which is bounded. No window is dropped before its end, however many keys come. Keys
 * above `capacity` share counters. A client whose key is one of them may be refused a little early, and no use of it is
 * given back; it is never granted more than the limit.
 */
export function memoryRateLimits(options: MemoryOptions = {}): MemoryRateLimits {
  const { capacity = defaultCapacity, monotonic = () => performance.now() } = options
  const countsByName = new Map<string, Counts>()

  function countsOf(name: string, now: number): Counts {
    const counts = countsByName.get(name) ?? { windows: new Map<string, Window>(), sketch: undefined }
    countsByName.set(name, counts)
    for (const [key, window] of counts.windows) {
      if (window.endsAt > now) break
      counts.windows.delete(key)
    }
    if (counts.sketch?.isOver(now)) counts.sketch = undefined
    return counts
  }

  return {
    async use({ limit, key }) {
      const now = monotonic()
      const milliseconds = limit.windowSeconds * 1000
      const counts = countsOf(limit.name, now)
      const known = counts.windows.get(key)
      if (known === undefined && counts.windows.size >= capacity) {
        counts.sketch ??= countMinSketch(milliseconds, now)
        return countInSketch(counts.sketch, { limit, key }, now)
      }
      const window = known ?? { uses: usesInSketch(counts.sketch, key, now), endsAt: now + milliseconds }
      const granted = window.uses < limit.max
      if (granted) window.uses += 1
      counts.windows.set(key, window)
      return { granted, uses: window.uses, endsInSeconds: (window.endsAt - now) / 1000, exact: true }
    },

    isExact: ({ limit, key }) => countsOf(limit.name, monotonic()).windows.has(key),

    async undo({ limit, key }) {
      const { windows } = countsOf(limit.name, monotonic())
      const window = windows.get(key)
      if (window === undefined) return
      window.uses -= 1
      if (window.uses <= 0) windows.delete(key)
    }
  }
}

function usesInSketch(sketch: Counts['sketch'], key: string, now: number): number {
  return sketch === undefined ? 0 : sketch.count(sketch.cellsOf(key), now)
}

function countInSketch(
  sketch: ReturnType<typeof countMinSketch>,
  { limit, key }: RateLimitUse<RateLimit>,
  now: number
) {
  const cells = sketch.cellsOf(key)
  const before = sketch.count(cells, now)
  const granted = before < limit.max
  if (granted) sketch.add(cells)
  return { granted, uses: before + Number(granted), endsInSeconds: (sketch.endsAt() - now) / 1000, exact: false }
}
