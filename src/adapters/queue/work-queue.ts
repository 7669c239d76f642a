import { Unavailable } from '../../ports/errors.js'
import type { QueueLoad } from '../../ports/metrics.js'

export interface WorkQueueOptions<Source = unknown> {
  /** What the work needs, for error messages: "database" or "password". */
  readonly name: string
  /** How much work runs and waits, and in which order. */
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
  /** How many pieces of work were refused because the queue was full. */
  refused(): number
  /** Accepts no more work, refuses what waits, and resolves when the last running piece has ended. */
  close(): Promise<void>
}

/** Decides which work may run, which may wait, and whose turn is next. */
export interface WaitingLine<Waiter, Source> {
  /** How much work runs and waits now. */
  load(): QueueLoad
  /** Starts work of `source` if it may run at once; returns whether it does. */
  start(source: Source): boolean
  /** Notes that work of `source` has ended. */
  end(source: Source): void
  /** Whether work of `source` could start or wait now. */
  hasRoom(source: Source): boolean
  /**
   * Takes a place at the end. Returns the waiter that gets none: `waiter` itself, or another that gave up its place for
   * it. Undefined if there was room for all.
   */
  join(waiter: Waiter, source: Source): Waiter | undefined
  /** Starts the work whose turn it is, and returns it; undefined if none may run now. */
  next(): Waiter | undefined
  /** Removes a waiter that has given up. */
  leave(waiter: Waiter): void
  /** Removes all waiters, and returns them. */
  clear(): readonly Waiter[]
}

/** First come, first served: `maxRunning` at once, and `maxWaiting` more in the line. */
export function plainLine(maxRunning: number, maxWaiting: number): WaitingLine<Waiter, void> {
  const waiters = new Set<Waiter>()
  let running = 0

  function start(): boolean {
    if (running >= maxRunning) return false
    running += 1
    return true
  }

  return {
    load: () => ({ running, waiting: waiters.size }),
    start,
    end() {
      running -= 1
    },
    hasRoom: () => running < maxRunning || waiters.size < maxWaiting,
    join(waiter) {
      if (waiters.size >= maxWaiting) return waiter
      waiters.add(waiter)
      return undefined
    },
    next() {
      const [first] = waiters
      if (first === undefined || !start()) return undefined
      waiters.delete(first)
      return first
    },
    leave: (waiter) => void waiters.delete(waiter),
    clear() {
      const all = [...waiters]
      waiters.clear()
      return all
    }
  }
}

/** Work in the line. */
export interface Waiter {
  admit(): void
  refuse(reason: Unavailable): void
  readonly timeout: NodeJS.Timeout | undefined
}

/** The weight of the latest duration in the estimate of how long one piece of work takes. */
const smoothing = 0.2

/**
 * Bounds how much work runs and waits at once. A burst above that gets a fast `Unavailable`: a queue that may grow
 * without limit serves every request in it too late.
 */
export function workQueue<Source = void>(options: WorkQueueOptions<Source>): WorkQueue<Source> {
  const { name, line, waitSeconds, answerSlowly, monotonic = () => performance.now() } = options
  let estimatedMilliseconds = options.expectedMilliseconds
  let closed = false
  let refused = 0
  let drained: (() => void) | undefined

  function noRoom(): Unavailable {
    refused += 1
    const { running, waiting } = line.load()
    const seconds = ((waiting + 1) * (estimatedMilliseconds ?? 0)) / Math.max(1, running) / 1000
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
    if (!line.start(source)) await turn(source)
  }

  /** Hands the slot to the next waiter at once, so that newcomers cannot jump the queue. */
  function leave(source: Source): void {
    line.end(source)
    for (let next = line.next(); next !== undefined; next = line.next()) {
      clearTimeout(next.timeout)
      next.admit()
    }
    if (line.load().running === 0) drained?.()
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
        leave(source)
      }
    },

    async requireRoom(source) {
      if (!line.hasRoom(source)) throw noRoom()
    },

    load: line.load,
    refused: () => refused,

    async close() {
      closed = true
      for (const waiter of line.clear()) {
        clearTimeout(waiter.timeout)
        waiter.refuse(new Unavailable(`The ${name} queue is closed.`))
      }
      if (line.load().running > 0) await new Promise<void>((resolve) => (drained = resolve))
    }
  }
}
