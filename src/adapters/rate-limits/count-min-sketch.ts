import { hash, randomUUID } from 'node:crypto'

const rows = 4
/** Counters of one row. A million keys raise each by two on average, and the lowest of a key's four by about one. */
const columns = 1 << 19
const maxCount = 65_535

/** The counters of one key, one in each row. */
type Cells = readonly number[]

/**
 * Counts uses by key in a fixed amount of memory, 4 MB for each of two windows, whatever the number of keys (a count-min
 * sketch). Keys share counters, so a count can be too high, never too low. A use is counted for one to two windows.
 */
export function countMinSketch(windowMilliseconds: number, startsAt: number) {
  // Nobody outside can choose keys that share the counters of another key.
  const secret = randomUUID()
  let endsAt = startsAt + windowMilliseconds
  let current = new Uint16Array(rows * columns)
  let previous: Uint16Array | undefined

  function beginWindow(now: number): void {
    const isNext = now < endsAt + windowMilliseconds
    previous = isNext ? current : undefined
    current = new Uint16Array(rows * columns)
    endsAt = (isNext ? endsAt : now) + windowMilliseconds
  }

  return {
    /** Whether all that was counted has been forgotten by `now`. */
    isOver: (now: number) => now >= endsAt + windowMilliseconds,
    /** When counts may become lower. */
    endsAt: () => endsAt,

    cellsOf(key: string): Cells {
      const digest = hash('sha256', secret + key, 'buffer')
      return [0, 1, 2, 3].map((row) => row * columns + (digest.readUInt32LE(row * 4) % columns))
    },

    count(cells: Cells, now: number): number {
      if (now >= endsAt) beginWindow(now)
      return lowest(current, cells) + (previous === undefined ? 0 : lowest(previous, cells))
    },

    /** Raises only the lowest counters, so that other keys are overcounted less. */
    add(cells: Cells): void {
      const low = lowest(current, cells)
      for (const cell of cells) if (current[cell] === low && low < maxCount) current[cell] = low + 1
    }
  }
}

function lowest(counts: Uint16Array, cells: Cells): number {
  let low = maxCount
  for (const cell of cells) low = Math.min(low, counts[cell] ?? 0)
  return low
}
