import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import { schemaMark } from './tables.js'

type Adapter = Awaited<ReturnType<SqlDriverAdapterFactory['connect']>>
type Statement = Parameters<Adapter['queryRaw']>[0]
export type Result = Awaited<ReturnType<Adapter['queryRaw']>>

/** `factory` whose statements find the tables of `tables.ts` in `schema`. */
export function inSchema(factory: SqlDriverAdapterFactory, schema: string): SqlDriverAdapterFactory {
  const quoted = `"${schema.replaceAll('"', '""')}"`
  return rewriteStatements(factory, (statement) => ({
    ...statement,
    sql: statement.sql.replaceAll(schemaMark, () => quoted)
  }))
}

/** `factory` with `rewrite` applied to every statement and `read` to every result, also inside transactions. */
export function rewriteStatements(
  factory: SqlDriverAdapterFactory,
  rewrite: (statement: Statement) => Statement,
  read: (result: Result) => Result = (result) => result
): SqlDriverAdapterFactory {
  function rewriting<T extends Pick<Adapter, 'queryRaw' | 'executeRaw'>>(queryable: T): T {
    const queryRaw = queryable.queryRaw.bind(queryable)
    const executeRaw = queryable.executeRaw.bind(queryable)
    queryable.queryRaw = async (statement) => read(await queryRaw(rewrite(statement)))
    queryable.executeRaw = (statement) => executeRaw(rewrite(statement))
    return queryable
  }
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    async connect() {
      const adapter = rewriting(await factory.connect())
      const startTransaction = adapter.startTransaction.bind(adapter)
      adapter.startTransaction = async (isolationLevel) => rewriting(await startTransaction(isolationLevel))
      return adapter
    }
  }
}
