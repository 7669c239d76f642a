import type { PGlite, Transaction as PGliteTransaction } from '@electric-sql/pglite'
import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import { PrismaPGlite } from 'pglite-prisma-adapter'
import { type PrismaTransaction, replaceTransactions } from '../prisma/database.js'
import type { Cluster } from './cluster.js'

/**
 * PGlite's Prisma adapter with our own transactions. The adapter's own transactions resolve although their COMMIT has
 * failed (a deferred constraint, a full disk), end before their ROLLBACK has ended, and set the isolation level outside
 * the transaction, where it has no effect.
 */
export function clusterAdapter(cluster: Cluster): SqlDriverAdapterFactory {
  // The adapter only calls `query` and `exec` of its client.
  const factory = new PrismaPGlite(cluster as PGlite)
  return replaceTransactions(factory, () => (isolationLevel) => startTransaction(cluster, isolationLevel))
}

async function startTransaction(cluster: Cluster, isolationLevel: string | undefined): Promise<PrismaTransaction> {
  return new Promise((resolve, reject) => {
    // PGlite commits when the callback returns, and rejects if the commit fails.
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

async function prismaTransaction(
  transaction: PGliteTransaction,
  finish: () => Promise<void>
): Promise<PrismaTransaction> {
  // Here the adapter only calls `query` of its client, which a transaction has too.
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
        // Also if the database has stopped: a transaction that never ends would block all others.
        await finish()
      }
    }
  }
}
