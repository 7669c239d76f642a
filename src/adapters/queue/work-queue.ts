import { Unavailable } from '../../ports/errors.js'
import type { QueueLoad } from '../../ports/metrics.js'

export interface WorkQueueOptions {
  /** What the work needs, for error messages: "database" or "password". */
  readonly name: string
  /** How many pieces of work run at once. */
  readonly maxRunning: number
  /** How many more may wait for their turn. */
  readonly maxWaiting: number
  /** How long one piece of work may wait for its turn; without limit by default. */
  readonly waitSeconds?: number
  /**
   * How long one piece of work takes before any was measured. With it, `retryAfterSeconds` of a refusal is the time
   * that the queue needs, estimated from recent work; without it, one second.
   */
  readonly expectedMilliseconds?: number
  /** Awaited before a full queue refuses, so that a client that retries at once costs little; nothing by default. */
  readonly pause?: (() => Promise<void>) | undefined
  /** A clock in milliseconds that never jumps. */
  readonly monotonic?: () => number
}

export interface WorkQueue {
  /**
   * Runs `work` when its turn comes, first come, first served. Throws `Unavailable` without running it if the queue is
   * full, if its turn does not come in time, or if the queue is closed. Errors of `work` pass through unchanged.
   */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Throws the `Unavailable` with which a full queue would refuse work now. Takes no place in the queue. */
  requireRoom(): Promise<void>
  /** How many pieces of work run and wait now. */
  load(): QueueLoad
  /** Accepts no more work, refuses what waits, and resolves when the last running piece has ended. */
  close(): Promise<void>
}

interface Waiter {
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
export function workQueue(options: WorkQueueOptions): WorkQueue {
  const { name, maxRunning, maxWaiting, waitSeconds, pause, monotonic = () => performance.now() } = options
  const waiters = new Set<Waiter>()
  let running = 0
  let estimatedMilliseconds = options.expectedMilliseconds
  let closed = false
  let drained: (() => void) | undefined

  const isFull = () => running >= maxRunning && waiters.size >= maxWaiting

  async function refuse(): Promise<never> {
    const seconds = ((waiters.size + 1) * (estimatedMilliseconds ?? 0)) / maxRunning / 1000
    await pause?.()
    throw new Unavailable(`The ${name} queue is full.`, Math.max(1, Math.ceil(seconds)))
  }

  function turn(): Promise<void> {
    return new Promise((admit, refuse) => {
      const giveUp = () =>
        leaveLine(waiter).refuse(new Unavailable(`No turn came in the ${name} queue within ${waitSeconds} s.`))
      const timeout = waitSeconds === undefined ? undefined : setTimeout(giveUp, waitSeconds * 1000)
      const waiter: Waiter = { admit, refuse, timeout }
      waiters.add(waiter)
    })
  }

  function leaveLine(waiter: Waiter): Waiter {
    clearTimeout(waiter.timeout)
    waiters.delete(waiter)
    return waiter
  }

  async function enter(): Promise<void> {
    if (closed) throw new Unavailable(`The ${name} queue is closed.`)
    if (isFull()) return refuse()
    if (running >= maxRunning) return turn()
    running += 1
  }

  function leave(): void {
    const [next] = waiters
    // Hand the slot to the next waiter, so that newcomers cannot jump the queue.
    if (next === undefined) running -= 1
    else leaveLine(next).admit()
    if (running === 0) drained?.()
  }

  return {
    async run(work) {
      await enter()
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

    async requireRoom() {
      if (isFull()) await refuse()
    },

    load: () => ({ running, waiting: waiters.size }),

    async close() {
      closed = true
      for (const waiter of [...waiters]) leaveLine(waiter).refuse(new Unavailable(`The ${name} queue is closed.`))
      if (running > 0) await new Promise<void>((resolve) => (drained = resolve))
    }
  }
}
