import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import bcrypt from 'bcrypt'
import { plainLine, workQueue } from '../queue/work-queue.js'
import { hashingConcurrency } from './password-queue.js'

/** bcrypt's two functions. Their errors are bcrypt's. */
export interface Bcrypt {
  /** The bcrypt hash of a password, with a new salt. */
  hash(password: string, cost: number): Promise<string>
  /** Whether the hash is of the password. False for a hash of unknown format. */
  compare(password: string, hash: string): Promise<boolean>
}

/** What a thread computes. */
export type BcryptJob = { readonly password: string } & ({ readonly cost: number } | { readonly hash: string })
type Result = string | boolean

interface ThreadsOptions {
  readonly maxThreads?: number
  readonly file?: URL
}

/**
 * bcrypt on threads of its own, which give way to the event loop. bcrypt's asynchronous functions use libuv's pool, whose
 * threads compete with the event loop for the cores, and also serve files and DNS.
 *
 * A thread starts when a job needs it, and ends with the process. If a thread ends in the middle of a job, the job begins
 * again on libuv's pool. If a thread ends before its first result, as where threads are not allowed, no more are started,
 * and all jobs run on libuv's pool.
 */
export function bcryptThreads(options: ThreadsOptions = {}): Bcrypt {
  const { maxThreads = hashingConcurrency(availableParallelism()) } = options
  const { file = new URL('./bcrypt-thread.js', import.meta.url) } = options
  const queue = workQueue({ name: 'bcrypt', line: plainLine(maxThreads, Number.POSITIVE_INFINITY) })
  const idle: Thread[] = []
  let canStart = true

  /** The thread has none of the process's options: a tracer that they load, for example, has nothing to do there. */
  function newThread(): Thread | undefined {
    if (!canStart) return undefined
    try {
      return threadOn(new Worker(file, { env: {}, execArgv: [] }))
    } catch {
      canStart = false
      return undefined
    }
  }

  async function onThread(job: BcryptJob): Promise<Result | undefined> {
    const thread = idle.pop() ?? newThread()
    const result = await thread?.compute(job)
    if (thread !== undefined && result !== undefined) idle.push(thread)
    if (thread?.hasComputed() === false) canStart = false
    return result
  }

  return {
    hash: (password, cost) =>
      queue.run(async () => {
        const hash = await onThread({ password, cost })
        return typeof hash === 'string' ? hash : bcrypt.hash(password, cost)
      }),
    compare: (password, hash) =>
      queue.run(async () => {
        const isEqual = await onThread({ password, hash })
        return typeof isEqual === 'boolean' ? isEqual : bcrypt.compare(password, hash)
      })
  }
}

/** All apps of the process share these threads, as they share libuv's pool. */
export const sharedBcryptThreads: Bcrypt = bcryptThreads()

interface Thread {
  /** One job at a time. Undefined if the thread ends before the result, or has ended. */
  compute(job: BcryptJob): Promise<Result | undefined>
  hasComputed(): boolean
}

/** The process can end while the thread waits for a job. */
function threadOn(worker: Worker): Thread {
  let settle: (result?: Result) => void = () => undefined
  let hasComputed = false
  let hasEnded = false

  worker.unref()
  worker.on('message', (result: Result) => {
    hasComputed = true
    settle(result)
  })
  // `exit` follows. Without a listener, an `error` event would crash the process.
  worker.on('error', () => undefined)
  worker.on('exit', () => {
    hasEnded = true
    settle()
  })

  async function compute(job: BcryptJob): Promise<Result | undefined> {
    if (hasEnded) return undefined
    worker.ref()
    try {
      return await new Promise((resolve) => {
        settle = resolve
        worker.postMessage(job)
      })
    } finally {
      worker.unref()
    }
  }

  return { compute, hasComputed: () => hasComputed }
}
