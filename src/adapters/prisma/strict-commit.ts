import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import { type PrismaTransaction, replaceTransactions } from './database.js'

/**
 * Makes an adapter refuse to commit a transaction in which a statement has failed. PostgreSQL answers such a COMMIT
 * with a rollback and without an error, which Prisma takes for success. Code that caught the statement's error would
 * then report data as stored that is not.
 */
export function withStrictCommit(factory: SqlDriverAdapterFactory): SqlDriverAdapterFactory {
  return replaceTransactions(factory, (start) => async (isolationLevel) => strict(await start(isolationLevel)))
}

function strict(transaction: PrismaTransaction): PrismaTransaction {
  const faults: unknown[] = []

  async function recordFault<T>(statement: Promise<T>): Promise<T> {
    try {
      return await statement
    } catch (error) {
      faults.push(error)
      throw error
    }
  }

  return {
    provider: transaction.provider,
    adapterName: transaction.adapterName,
    options: transaction.options,
    queryRaw: (query) => recordFault(transaction.queryRaw(query)),
    async executeRaw(query) {
      if (query.sql !== 'COMMIT' || faults.length === 0) return recordFault(transaction.executeRaw(query))
      await transaction.executeRaw({ ...query, sql: 'ROLLBACK' })
      throw faults[0]
    },
    commit: () => transaction.commit(),
    rollback: () => transaction.rollback()
  }
}
