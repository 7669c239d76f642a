import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'

type Adapter = Awaited<ReturnType<SqlDriverAdapterFactory['connect']>>
type Transaction = Awaited<ReturnType<Adapter['startTransaction']>>

/**
 * Makes an adapter refuse to commit a transaction in which a statement has failed. PostgreSQL
 * answers such a COMMIT by rolling back, without an error, and Prisma takes that for success: code
 * that caught the statement's error would report what was never stored.
 */
export function withStrictCommit(factory: SqlDriverAdapterFactory): SqlDriverAdapterFactory {
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    async connect() {
      const adapter = await factory.connect()
      const startTransaction = adapter.startTransaction.bind(adapter)
      adapter.startTransaction = async (isolationLevel) => strict(await startTransaction(isolationLevel))
      return adapter
    }
  }
}

function strict(transaction: Transaction): Transaction {
  const faults: unknown[] = []

  async function noting<T>(statement: Promise<T>): Promise<T> {
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
    queryRaw: (query) => noting(transaction.queryRaw(query)),
    async executeRaw(query) {
      if (query.sql !== 'COMMIT' || faults.length === 0) return noting(transaction.executeRaw(query))
      await transaction.executeRaw({ ...query, sql: 'ROLLBACK' })
      throw faults[0]
    },
    commit: () => transaction.commit(),
    rollback: () => transaction.rollback()
  }
}
