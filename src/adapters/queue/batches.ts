import { Unavailable } from '../../ports/errors.js'

export interface BatchOptions<Item, Result> {
  /** What the queue is for, in error messages: "database". */
  readonly name: string
  /** A batch holds at most one item of each key. Without it, a batch can hold any items. */
  keyOf?(item: Item): string
  /** Serves one item. */
  one(item: Item): Promise<Result>
  /**
   * Serves several items at once. The results are in the order of the items. The result 'alone' means: call `one` for
   * this item, because it could make the others wait.
   */
  many(items: readonly Item[]): Promise<readonly (Result | 'alone')[]>
  readonly maxSize: number
  /** While so many calls run, new items wait. */
  readonly maxRunning: number
  /** How many items may wait, and each for how long. */
  readonly maxWaiting: number
  readonly waitSeconds: number
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly since: number
  settle(result: Result | PromiseLike<Result>): void
  refuse(reason: unknown): void
}

/**
 * After this time, other items no longer wait for a call: a call for one item may wait for a lock, and the connection of
 * a call for several items may be dead. A call for one item then no longer counts as running.
 */
const slowMilliseconds = 50

/**
 * Returns a function that serves one item. While fewer than `maxRunning` calls run, and each of them for one item, an
 * item is served at once, by `one`. Otherwise it waits until a call ends, and then all waiting items are served together,
 * by `many`. While a call for several items runs, another one starts only if `maxSize` items wait, because a larger batch
 * costs less for each item. If a call for several items throws `Unavailable`, each of them fails. If it throws something
 * else, one of the items is the cause, so each is served by `one`. Throws `Unavailable` if too many items wait, or an item waits too long.
 */
export function inBatches<Item, Result>(options: BatchOptions<Item, Result>): (item: Item) => Promise<Result> {
  const { name, keyOf, one, many, maxSize, maxRunning, maxWaiting, waitSeconds } = options
  let waiting: Waiting<Item, Result>[] = []
  let running = 0
  let runningBatches = 0
  let clock: NodeJS.Timeout | undefined

  async function aloneInLane(item: Item): Promise<Result> {
    running += 1
    const lane = laneOf(() => {
      running -= 1
      startNext()
    })
    const slow = setTimeout(lane.free, slowMilliseconds)
    try {
      return await one(item)
    } finally {
      clearTimeout(slow)
      lane.free()
    }
  }

  const hasPlace = () => running < maxRunning && (runningBatches === 0 || waiting.length >= maxSize)

  async function together(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    running += 1
    runningBatches += 1
    const lane = laneOf(() => {
      runningBatches -= 1
      startNext()
    })
    const slow = setTimeout(lane.free, slowMilliseconds)
    try {
      const results = await many(batch.map(({ item }) => item))
      for (const [index, result] of results.entries()) {
        const entry = batch[index]
        entry?.settle(result === 'alone' ? one(entry.item) : result)
      }
    } catch (error) {
      for (const { item, settle, refuse } of batch) {
        if (error instanceof Unavailable) refuse(error)
        else settle(one(item))
      }
    } finally {
      clearTimeout(slow)
      running -= 1
      lane.free()
      startNext()
    }
  }

  function startNext(): void {
    while (hasPlace() && waiting.length > 0) {
      const batch = takeBatch()
      const [first] = batch
      if (first !== undefined && batch.length === 1) first.settle(aloneInLane(first.item))
      else void together(batch)
    }
    if (waiting.length === 0) stopClock()
  }

  /** Takes the items that have waited longest, at most one of each key. */
  function takeBatch(): readonly Waiting<Item, Result>[] {
    const keys = new Set<string>()
    const batch: Waiting<Item, Result>[] = []
    const left: Waiting<Item, Result>[] = []
    for (const entry of waiting) {
      const key = keyOf?.(entry.item)
      if (batch.length < maxSize && !(key !== undefined && keys.has(key))) batch.push(entry)
      else left.push(entry)
      if (key !== undefined) keys.add(key)
    }
    waiting = left
    return batch
  }

  /** Starts the timer that refuses late items. One is enough for all, because the first item has waited longest. */
  function startClock(): void {
    clock ??= setInterval(() => {
      const tooLong = performance.now() - waitSeconds * 1000
      const stays = waiting.findIndex(({ since }) => since > tooLong)
      const late = waiting.splice(0, stays === -1 ? waiting.length : stays)
      for (const { refuse } of late)
        refuse(new Unavailable(`No turn came in the ${name} queue within ${waitSeconds} s.`))
      if (waiting.length === 0) stopClock()
    }, 100)
  }

  function stopClock(): void {
    clearInterval(clock)
    clock = undefined
  }

  return async (item) => {
    if (hasPlace()) return aloneInLane(item)
    if (waiting.length >= maxWaiting) throw new Unavailable(`The ${name} queue is full.`)
    return new Promise((settle, refuse) => {
      waiting.push({ item, since: performance.now(), settle, refuse })
      startClock()
      startNext()
    })
  }
}

/** `free` runs `release` once. */
function laneOf(release: () => void): { free(): void } {
  let isFree = false
  return {
    free() {
      if (isFree) return
      isFree = true
      release()
    }
  }
}
