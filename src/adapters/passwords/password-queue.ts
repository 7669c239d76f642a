import { availableParallelism } from 'node:os'
import { type WorkQueue, type WorkQueueOptions, workQueue } from '../queue/work-queue.js'

/** The queue in which passwords wait to be hashed. */
export type PasswordQueue = Pick<WorkQueue, 'run' | 'requireRoom'>

export function passwordQueue(
  options: Partial<Pick<WorkQueueOptions, 'maxRunning' | 'maxWaiting' | 'pause' | 'monotonic'>> = {}
): WorkQueue {
  const maxRunning = hashingConcurrency(availableParallelism())
  return workQueue({ maxRunning, maxWaiting: 32, ...options, name: 'password', expectedMilliseconds: 250 })
}

/** The size of libuv's thread pool, unless `UV_THREADPOOL_SIZE` changes it. */
const defaultThreadPoolSize = 4

/**
 * How many hashes to compute at once: at most one per core, and one less than libuv's pool has threads, because the
 * pool also serves files and DNS. At least one.
 */
export function hashingConcurrency(cores: number, threadPoolSize = defaultThreadPoolSize): number {
  return Math.max(1, Math.min(cores, threadPoolSize - 1))
}
