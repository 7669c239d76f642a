import { type WorkQueue, type WorkQueueOptions, workQueue } from '../queue/work-queue.js'

/** The queue in which passwords wait to be hashed. Its clients need nothing more of a `WorkQueue`. */
export type PasswordQueue = Pick<WorkQueue, 'run' | 'requireRoom'>

/** The queue for `maxRunning` hashes at once; see `hashingConcurrency`. */
export function passwordQueue(
  options: Pick<WorkQueueOptions, 'maxRunning' | 'maxWaiting' | 'pause' | 'monotonic'>
): WorkQueue {
  return workQueue({ ...options, name: 'password', expectedMilliseconds: 250 })
}

/** The size of libuv's thread pool where `UV_THREADPOOL_SIZE` does not say otherwise. */
const defaultThreadPoolSize = 4

/**
 * How many hashes to compute at once: no more than there are cores, and one less than libuv's pool has threads, because
 * the pool also serves files and name look-ups. At least one.
 */
export function hashingConcurrency(cores: number, threadPoolSize = defaultThreadPoolSize): number {
  return Math.max(1, Math.min(cores, threadPoolSize - 1))
}
