import { Unavailable } from '../../ports/errors.js'

export interface BatchOptions<Item, Result> {
  /** What the queue is for, in error messages: "database". */
  readonly name: string
  /** Items with the same identity wait as one: the first is served, and the others get `repeated` of its result. */
  identityOf(item: Item): string
  repeated(result: Result): Result
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
  /** So many calls run at once. */
  readonly maxRunning: number
  /** How many items may wait, and each for how long. */
  readonly maxWaiting: number
  readonly waitSeconds: number
  /**
   * After this time a call no longer counts as running, so that other items do not wait for it: a call for one item may
   * wait for a lock, and the connection of a call for several items may be dead.
   */
  readonly slowMilliseconds: number
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly since: number
  /** Each gets the result: the first caller as it is, the others `repeated` of it. */
  readonly callers: ((result: Promise<Result>) => void)[]
}

export interface Batches<Item, Result> {
  serve(item: Item): Promise<Result>
  /** How many items wait now. Items with the same identity count once. */
  waiting(): number
}

/**
 * `serve` serves one item. A single item is served by `one`, and several together by `many`.
 *
 * If nothing runs, all items of this turn of the event loop start at its end. The end of the turn matters for the
 * embedded database: it blocks the event loop, so no other request can arrive while it works. While calls run, the next
 * one starts as soon as `maxSize` items wait, or at least as many as are being served. So a few items do not wait for
 * each other's round trips, and with many items the batches grow, which costs less for each. The rule is applied again
 * when a call ends. When all have ended, every item that waits starts.
 *
 * If a call for several items throws `Unavailable`, it fails for each of them. If it throws something else, one of the
 * items can be the cause, so they are served by `one`. Throws `Unavailable` if too many items wait, or an item waits too
 * long.
 */
export function inBatches<Item, Result>(options: BatchOptions<Item, Result>): Batches<Item, Result> {
  const { name, identityOf, repeated, keyOf = identityOf, one, many } = options
  const { maxSize, maxRunning, maxWaiting, waitSeconds, slowMilliseconds } = options
  /** By identity, in the order of arrival. */
  const waiting = new Map<string, Waiting<Item, Result>>()
  const running = new Set<object>()
  let clock: NodeJS.Timeout | undefined
  let startsAtEndOfTurn = false

  /** Items of the calls that run. */
  let served = 0

  const hasPlace = () => running.size < maxRunning && waiting.size >= Math.min(served, maxSize)

  /** Makes a call for `size` items. It counts as running until it ends or is slow. */
  async function counted<T>(size: number, call: () => Promise<T>): Promise<T> {
    const place = {}
    running.add(place)
    served += size
    const leave = () => {
      if (!running.delete(place)) return
      served -= size
      startNext()
    }
    const slow = setTimeout(leave, slowMilliseconds)
    try {
      return await call()
    } finally {
      clearTimeout(slow)
      leave()
    }
  }

  const alone = (item: Item) => counted(1, () => one(item))

  function answer({ callers: [first, ...others] }: Waiting<Item, Result>, result: Promise<Result>): void {
    first?.(result)
    for (const other of others) other(result.then(repeated))
  }

  async function together(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await many(batch.map(({ item }) => item))
      for (const [index, result] of results.entries()) {
        const entry = batch[index]
        if (entry !== undefined) answer(entry, result === 'alone' ? one(entry.item) : Promise.resolve(result))
      }
    } catch (error) {
      if (error instanceof Unavailable) refuse(batch, error)
      else await apart(batch, error)
    }
  }

  /** Serves one after another. If the first two fail like all together, no item is the cause, and the others fail too. */
  async function apart(batch: readonly Waiting<Item, Result>[], error: unknown): Promise<void> {
    let failed = 0
    for (const [index, entry] of batch.entries()) {
      if (index === 2 && failed === 2) return refuse(batch.slice(2), error)
      const result = one(entry.item)
      answer(entry, result)
      await result.catch(() => (failed += 1))
    }
  }

  function refuse(entries: readonly Waiting<Item, Result>[], error: unknown): void {
    for (const entry of entries) answer(entry, Promise.reject(error))
  }

  function startNext(): void {
    while (hasPlace() && waiting.size > 0) {
      const batch = takeBatch()
      const [first] = batch
      if (first !== undefined && batch.length === 1) answer(first, alone(first.item))
      else void counted(batch.length, () => together(batch))
    }
    if (waiting.size === 0) stopClock()
    else startClock()
  }

  function startAtEndOfTurn(): void {
    if (startsAtEndOfTurn) return
    startsAtEndOfTurn = true
    setImmediate(() => {
      startsAtEndOfTurn = false
      startNext()
    })
  }

  /** Takes the items that have waited longest, at most one of each key. */
  function takeBatch(): readonly Waiting<Item, Result>[] {
    const batch = new Map<string, Waiting<Item, Result>>()
    for (const [identity, entry] of waiting) {
      if (batch.size === maxSize) break
      const key = keyOf(entry.item)
      if (batch.has(key)) continue
      batch.set(key, entry)
      waiting.delete(identity)
    }
    return [...batch.values()]
  }

  /** Starts the timer that refuses late items. One is enough for all, because the first item has waited longest. */
  function startClock(): void {
    clock ??= setInterval(() => {
      const tooLong = performance.now() - waitSeconds * 1000
      for (const [identity, entry] of waiting) {
        if (entry.since > tooLong) break
        waiting.delete(identity)
        refuse([entry], new Unavailable(`No turn came in the ${name} queue within ${waitSeconds} s.`))
      }
      if (waiting.size === 0) stopClock()
    }, 100)
  }

  function stopClock(): void {
    clearInterval(clock)
    clock = undefined
  }

  function serve(item: Item): Promise<Result> {
    return new Promise((caller) => {
      const identity = identityOf(item)
      const same = waiting.get(identity)
      if (same !== undefined) return same.callers.push(caller)
      if (waiting.size >= maxWaiting) return caller(Promise.reject(new Unavailable(`The ${name} queue is full.`)))
      waiting.set(identity, { item, since: performance.now(), callers: [caller] })
      if (hasPlace()) startAtEndOfTurn()
      else startClock()
    })
  }

  return { serve, waiting: () => waiting.size }
}
