import type { PGlite, Transaction as PGliteTransaction } from '@electric-sql/pglite'
import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import { PrismaPGlite } from 'pglite-prisma-adapter'
import type { Cluster } from './reopening-cluster.js'

type Adapter = Awaited<ReturnType<SqlDriverAdapterFactory['connect']>>
type Transaction = Awaited<ReturnType<Adapter['startTransaction']>>

/**
 * PGlite's Prisma adapter with transactions of our own. The adapter's resolve when their COMMIT has
 * failed (a deferred constraint, a full disk), leave the ROLLBACK running when they end, and set
 * the isolation level outside the transaction, where it changes nothing.
 */
export function embeddedAdapter(cluster: Cluster): SqlDriverAdapterFactory {
  // Of the client that it is given, the adapter calls `query` and `exec` alone.
  const factory = new PrismaPGlite(cluster as PGlite)
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    async connect() {
      const adapter = await factory.connect()
      adapter.startTransaction = (isolationLevel) => startTransaction(cluster, isolationLevel)
      return adapter
    }
  }
}

async function startTransaction(cluster: Cluster, isolationLevel: string | undefined): Promise<Transaction> {
  return new Promise((resolve, reject) => {
    // PGlite commits when the callback returns, and rejects where that commit did not happen.
    const outcome = cluster.transaction(async (transaction) => {
      if (isolationLevel !== undefined) await transaction.exec(`SET TRANSACTION ISOLATION LEVEL ${isolationLevel}`)
      await new Promise<void>((end) => {
        const finish = async () => {
          end()
          await outcome
        }
        resolve(prismaTransaction(transaction, finish))
      })
    })
    outcome.catch(reject)
  })
}

async function prismaTransaction(transaction: PGliteTransaction, finish: () => Promise<void>): Promise<Transaction> {
  // Of the client that it is given, the adapter calls `query` alone, which a transaction has as well.
  const adapter = await new PrismaPGlite(transaction as unknown as PGlite).connect()
  return {
    provider: adapter.provider,
    adapterName: adapter.adapterName,
    options: { usePhantomQuery: true },
    queryRaw: (query) => adapter.queryRaw(query),
    executeRaw: (query) => adapter.executeRaw(query),
    commit: finish,
    async rollback() {
      try {
        await transaction.rollback()
      } finally {
        // Also where the database has stopped: a transaction that never ends would hold up all others.
        await finish()
      }
    }
  }
}
