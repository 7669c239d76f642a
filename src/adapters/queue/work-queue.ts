import { Unavailable } from '../../ports/errors.js'
import type { QueueLoad } from '../../ports/metrics.js'

export interface WorkQueueOptions<Source = unknown> {
  /** What the work needs, for error messages: "database" or "password". */
  readonly name: string
  /** How many pieces of work run at once. */
  readonly maxRunning: number
  /** Where work waits while `maxRunning` run. */
  readonly line: WaitingLine<Waiter, Source>
  /** How long one piece of work may wait for its turn; without limit by default. */
  readonly waitSeconds?: number
  /**
   * How long one piece of work takes before any was measured. With it, `retryAfterSeconds` of a refusal is the time
   * that the queue needs, estimated from recent work; without it, one second.
   */
  readonly expectedMilliseconds?: number
  /** Whether a full queue's `Unavailable` is to be answered slowly; false by default. */
  readonly answerSlowly?: boolean
  /** A clock in milliseconds that never jumps. */
  readonly monotonic?: () => number
}

export interface WorkQueue<Source = void> {
  /**
   * Runs `work` when its turn comes. Throws `Unavailable` without running it if the line has no place for its source, if
   * its turn does not come in time, or if the queue is closed. Errors of `work` pass through unchanged.
   */
  run<T>(work: () => Promise<T>, source: Source): Promise<T>
  /** Throws the `Unavailable` with which work of `source` would be refused now. Takes no place in the line. */
  requireRoom(source: Source): Promise<void>
  /** How many pieces of work run and wait now. */
  load(): QueueLoad
  /** Accepts no more work, refuses what waits, and resolves when the last running piece has ended. */
  close(): Promise<void>
}

/** Where work waits for its turn. A line decides who may wait and who is next. */
export interface WaitingLine<Waiter, Source> {
  readonly size: number
  /** Whether work of `source` would get a place now. */
  hasRoom(source: Source): boolean
  /**
   * Takes a place at the end. Returns the waiter that gets none: `waiter` itself, or another that gave up its place for
   * it. Undefined if there was room for all.
   */
  join(waiter: Waiter, source: Source): Waiter | undefined
  /** Removes the waiter whose turn it is, and returns it. */
  next(): Waiter | undefined
  /** Removes a waiter that has given up. */
  leave(waiter: Waiter): void
}

/** Work in the line. */
export interface Waiter {
  admit(): void
  refuse(reason: Unavailable): void
  readonly timeout: NodeJS.Timeout | undefined
}

/** The weight of the latest duration in the estimate of how long one piece of work takes. */
const smoothing = 0.2

/** First come, first served, with room for `max`. */
export function plainLine<Waiter>(max: number): WaitingLine<Waiter, void> {
  const waiters = new Set<Waiter>()
  return {
    get size() {
      return waiters.size
    },
    hasRoom: () => waiters.size < max,
    join(waiter) {
      if (waiters.size >= max) return waiter
      waiters.add(waiter)
      return undefined
    },
    next() {
      const [first] = waiters
      if (first !== undefined) waiters.delete(first)
      return first
    },
    leave: (waiter) => void waiters.delete(waiter)
  }
}

/**
 * Bounds how much work runs and waits at once. A burst above that gets a fast `Unavailable`: a queue that may grow
 * without limit serves every request in it too late.
 */
export function workQueue<Source = void>(options: WorkQueueOptions<Source>): WorkQueue<Source> {
  const { name, maxRunning, line, waitSeconds, answerSlowly, monotonic = () => performance.now() } = options
  let running = 0
  let estimatedMilliseconds = options.expectedMilliseconds
  let closed = false
  let drained: (() => void) | undefined

  const hasRoom = (source: Source) => running < maxRunning || line.hasRoom(source)

  function noRoom(): Unavailable {
    const seconds = ((line.size + 1) * (estimatedMilliseconds ?? 0)) / maxRunning / 1000
    return new Unavailable(`The ${name} queue is full.`, Math.max(1, Math.ceil(seconds)), { answerSlowly })
  }

  function turn(source: Source): Promise<void> {
    return new Promise((admit, refuse) => {
      const giveUp = () => {
        line.leave(waiter)
        refuse(new Unavailable(`No turn came in the ${name} queue within ${waitSeconds} s.`))
      }
      const timeout = waitSeconds === undefined ? undefined : setTimeout(giveUp, waitSeconds * 1000)
      const waiter: Waiter = { admit, refuse, timeout }
      const refused = line.join(waiter, source)
      clearTimeout(refused?.timeout)
      refused?.refuse(noRoom())
    })
  }

  async function enter(source: Source): Promise<void> {
    if (closed) throw new Unavailable(`The ${name} queue is closed.`)
    if (running >= maxRunning) return turn(source)
    running += 1
  }

  function leave(): void {
    const next = line.next()
    clearTimeout(next?.timeout)
    // Hand the slot to the next waiter, so that newcomers cannot jump the queue.
    if (next === undefined) running -= 1
    else next.admit()
    if (running === 0) drained?.()
  }

  return {
    async run(work, source) {
      await enter(source)
      const startedAt = monotonic()
      try {
        return await work()
      } finally {
        if (estimatedMilliseconds !== undefined) {
          estimatedMilliseconds += smoothing * (monotonic() - startedAt - estimatedMilliseconds)
        }
        leave()
      }
    },

    async requireRoom(source) {
      if (!hasRoom(source)) throw noRoom()
    },

    load: () => ({ running, waiting: line.size }),

    async close() {
      closed = true
      for (let waiter = line.next(); waiter !== undefined; waiter = line.next()) {
        clearTimeout(waiter.timeout)
        waiter.refuse(new Unavailable(`The ${name} queue is closed.`))
      }
      if (running > 0) await new Promise<void>((resolve) => (drained = resolve))
    }
  }
}
