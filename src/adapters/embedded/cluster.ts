import { performance } from 'node:perf_hooks'
import type { PGlite } from '@electric-sql/pglite'
import { Unavailable } from '../../ports/errors.js'
import { hasStopped } from '../prisma/database-errors.js'
import type { Module } from './disk.js'

/** The part of a PGlite that this room uses. */
export type Cluster = Pick<PGlite, 'query' | 'exec' | 'transaction' | 'close'>

export interface OpenedCluster {
  readonly pglite: PGlite
  /** Closes the files of a PGlite that has stopped, which it can no longer do itself. */
  abandon(): void
}

/** Each try blocks this process for a second and takes 128 MB, and a disk may stay full for long. */
const retrySeconds = 5

/**
 * A cluster that is opened again after it has stopped, as a server's postmaster does. PostgreSQL stops itself (PANIC)
 * when it cannot write its log, and recovers every reported commit when it starts. Until it is open again, all methods
 * throw `Unavailable`.
 */
export async function reopeningCluster(open: () => Promise<OpenedCluster>): Promise<Cluster> {
  let current: OpenedCluster | undefined = await open()
  let reopening: Promise<OpenedCluster> | undefined
  let notBefore = 0

  async function reopen(): Promise<OpenedCluster> {
    const now = performance.now()
    if (now < notBefore)
      throw new Unavailable('The embedded database has stopped, and is not open again yet.', retrySeconds)
    notBefore = now + retrySeconds * 1000
    try {
      return await open()
    } catch (error) {
      throw new Unavailable('The embedded database has stopped, and cannot be opened.', retrySeconds, { cause: error })
    }
  }

  /** Concurrent callers share one attempt: two PGlites on one folder would destroy its data. */
  function reopenOnce(): Promise<OpenedCluster> {
    reopening ??= reopen().finally(() => {
      reopening = undefined
    })
    return reopening
  }

  async function use<T>(action: (pglite: PGlite) => Promise<T>): Promise<T> {
    current ??= await reopenOnce()
    const opened = current
    try {
      return await action(opened.pglite)
    } catch (error) {
      if (hasStopped(error) && current === opened) {
        opened.abandon()
        current = undefined
      }
      throw error
    }
  }

  return {
    query: (...query) => use((pglite) => pglite.query(...query)),
    exec: (...script) => use((pglite) => pglite.exec(...script)),
    transaction: (callback) => use((pglite) => pglite.transaction(callback)),
    close: async () => current?.pglite.close()
  }
}

/** The functions that PGlite calls for each message to PostgreSQL, and after it. */
interface EntryPoints {
  _PostgresMainLoopOnce(): void
  _PostgresSendReadyForQueryIfNecessary(): void
  stackRestore(pointer: number): void
}

/** The status of the exception by which PostgreSQL aborts a failed statement, and then continues. */
const failedStatement = 100

/**
 * Makes a PostgreSQL that has stopped itself stay stopped. PGlite takes every exception for a failed statement and
 * calls PostgreSQL again. After a PANIC, PostgreSQL's locks stay held, so that call never returns. With this, the
 * exception of a PANIC reaches the caller, and all later calls throw it again.
 */
export function stopAtPanic(module: Module): void {
  const entryPoints = module as unknown as EntryPoints
  const mainLoopOnce = entryPoints._PostgresMainLoopOnce
  entryPoints._PostgresMainLoopOnce = () => {
    try {
      mainLoopOnce()
    } catch (error) {
      if (!isFailedStatement(error)) stop(entryPoints, error)
      throw error
    }
  }
}

function stop(entryPoints: EntryPoints, error: unknown): void {
  const refuse = () => {
    throw error
  }
  entryPoints._PostgresMainLoopOnce = refuse
  entryPoints._PostgresSendReadyForQueryIfNecessary = refuse
  // PGlite ignores what `_PostgresMainLoopOnce` throws, and calls this function next.
  entryPoints.stackRestore = refuse
}

function isFailedStatement(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && error.status === failedStatement
}
