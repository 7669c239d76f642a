import { Unavailable } from '../../ports/errors.js'
import type { QueueLoad } from '../../ports/metrics.js'

export interface PasswordQueue {
  /** Runs the work when its turn comes; throws `Unavailable` where too many wait already. */
  <T>(work: () => Promise<T>): Promise<T>
  /** Throws what work would be refused with now; takes no place in line. */
  requireRoom(): Promise<void>
}

export interface PasswordQueueOptions {
  /** How many hashes are computed at once; see `hashingConcurrency`. */
  readonly concurrency: number
  /** How many more may wait for their turn. */
  readonly maxWaiting: number
  /** What a refusal waits for, so that whoever tries again at once costs little; nothing by default. */
  readonly pause?: () => Promise<void>
  /** A clock of milliseconds that never jumps. */
  readonly monotonic?: () => number
}

/** What one hash is taken to cost before any was measured. */
const assumedMilliseconds = 250
const smoothing = 0.2

/**
 * First come, first served, `concurrency` at once and `maxWaiting` in line. `retryAfterSeconds` of
 * the refusal is the time that the line needs, judged by how long the work took lately.
 */
export function passwordQueue(options: PasswordQueueOptions): PasswordQueue & { load(): QueueLoad } {
  const { concurrency, maxWaiting, pause, monotonic = () => performance.now() } = options
  const waiting: (() => void)[] = []
  let running = 0
  let typicalMilliseconds = assumedMilliseconds

  const isFull = () => running >= concurrency && waiting.length >= maxWaiting

  const refuse = async (): Promise<never> => {
    const seconds = ((waiting.length + 1) * typicalMilliseconds) / concurrency / 1000
    await pause?.()
    throw new Unavailable('Too many passwords are waiting to be hashed', Math.max(1, Math.ceil(seconds)))
  }

  const turn = async (): Promise<void> => {
    if (isFull()) return refuse()
    if (running < concurrency) {
      running += 1
      return
    }
    await new Promise<void>((resolve) => waiting.push(resolve))
  }

  // A slot goes straight to the next in line, so that nobody who comes later can take it.
  const release = (): void => {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }

  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    await turn()
    const startedAt = monotonic()
    try {
      return await work()
    } finally {
      typicalMilliseconds += smoothing * (monotonic() - startedAt - typicalMilliseconds)
      release()
    }
  }
  const requireRoom = async (): Promise<void> => {
    if (isFull()) await refuse()
  }
  return Object.assign(run, { requireRoom, load: () => ({ running, waiting: waiting.length }) })
}

/** The size of libuv's thread pool where `UV_THREADPOOL_SIZE` does not say otherwise. */
const defaultThreadPoolSize = 4

/**
 * How many hashes to compute at once: no more than there are cores, and one less than libuv's pool
 * has threads, because the pool also serves files and name look-ups. Always at least one.
 */
export function hashingConcurrency(cores: number, threadPoolSize = defaultThreadPoolSize): number {
  return Math.max(1, Math.min(cores, threadPoolSize - 1))
}
