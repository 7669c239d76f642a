import { performance } from 'node:perf_hooks'
import type { PGlite } from '@electric-sql/pglite'
import { Unavailable } from '../../ports/errors.js'
import { hasStopped } from '../prisma/database-errors.js'

/** What the rest of the adapter needs of a PGlite. */
export type Cluster = Pick<PGlite, 'query' | 'exec' | 'transaction' | 'close'>

export interface OpenedCluster {
  readonly pglite: PGlite
  /** Gives back what a PGlite that has stopped cannot: its open files. */
  abandon(): void
}

/** Each try takes a second of this process's time and 128 MB, while a full disk may last. */
const retrySeconds = 5

/**
 * A cluster that is opened anew after it has stopped: PostgreSQL ends itself where it cannot write its
 * log (PANIC), and its start recovers every commit that was told of. A server's postmaster does the
 * same. Until that has worked, everything throws `Unavailable`.
 */
export async function reopeningCluster(open: () => Promise<OpenedCluster>): Promise<Cluster> {
  let current: OpenedCluster | undefined = await open()
  let reopening: Promise<OpenedCluster> | undefined
  let notBefore = 0

  async function reopened(): Promise<OpenedCluster> {
    const now = performance.now()
    if (now < notBefore)
      throw new Unavailable('The embedded database has stopped, and is not open again.', retrySeconds)
    notBefore = now + retrySeconds * 1000
    try {
      return await open()
    } catch (error) {
      throw new Unavailable('The embedded database has stopped, and cannot be opened.', retrySeconds, { cause: error })
    }
  }

  /** Whoever comes meanwhile waits for the same one: two on one folder would destroy its data. */
  function reopenedOnce(): Promise<OpenedCluster> {
    reopening ??= reopened().finally(() => {
      reopening = undefined
    })
    return reopening
  }

  async function use<T>(action: (pglite: PGlite) => Promise<T>): Promise<T> {
    current ??= await reopenedOnce()
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
