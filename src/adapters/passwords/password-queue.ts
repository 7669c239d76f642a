import { availableParallelism } from 'node:os'
import type { PasswordSource } from '../../ports/passwords.js'
import { type Waiter, type WorkQueue, type WorkQueueOptions, workQueue } from '../queue/work-queue.js'
import { fairLine } from './fair-line.js'

/** The queue in which passwords wait to be hashed. */
export type PasswordQueue = Pick<WorkQueue<PasswordSource>, 'run' | 'requireRoom'>

interface PasswordQueueOptions extends Pick<WorkQueueOptions, 'monotonic'> {
  readonly maxRunning?: number
  /** How many passwords of strangers wait at most, and as many of known devices. */
  readonly maxWaiting?: number
}

export function passwordQueue(options: PasswordQueueOptions = {}): WorkQueue<PasswordSource> {
  const { maxWaiting = 32, maxRunning = hashingConcurrency(availableParallelism()), ...rest } = options
  const line = fairLine<Waiter>(maxRunning, maxWaiting)
  return workQueue({ ...rest, line, name: 'password', expectedMilliseconds: 250, answerSlowly: true })
}

/** The size of libuv's thread pool, unless `UV_THREADPOOL_SIZE` changes it. */
const defaultThreadPoolSize = 4

/**
 * How many hashes to compute at once: at most one per core, and one less than libuv's pool has threads, because the
 * hashes run there if threads of their own cannot start, and the pool also serves files and DNS. At least one.
 */
export function hashingConcurrency(cores: number, threadPoolSize = defaultThreadPoolSize): number {
  return Math.max(1, Math.min(cores, threadPoolSize - 1))
}
