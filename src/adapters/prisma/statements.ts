import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import { schemaMark } from './tables.js'

type Adapter = Awaited<ReturnType<SqlDriverAdapterFactory['connect']>>
type Statement = Parameters<Adapter['queryRaw']>[0]
export type Result = Awaited<ReturnType<Adapter['queryRaw']>>

/** `factory` whose statements find the tables of `tables.ts` in `schema`. */
export function inSchema(factory: SqlDriverAdapterFactory, schema: string): SqlDriverAdapterFactory {
  return rewriteStatements(factory, (statement) => ({ ...statement, sql: filledIn(statement.sql, schema) }))
}

/** `text` with the tables of `schema`. */
function filledIn(text: string, schema: string): string {
  return text.replaceAll(schemaMark, () => `"${schema.replaceAll('"', '""')}"`)
}

/** `factory` with `rewrite` applied to every statement and `read` to every result, also inside transactions. */
export function rewriteStatements(
  factory: SqlDriverAdapterFactory,
  rewrite: (statement: Statement) => Statement,
  read?: (result: Result) => Result
): SqlDriverAdapterFactory {
  function rewriting<T extends Pick<Adapter, 'queryRaw' | 'executeRaw'>>(queryable: T): T {
    const queryRaw = queryable.queryRaw.bind(queryable)
    const executeRaw = queryable.executeRaw.bind(queryable)
    queryable.queryRaw =
      read === undefined
        ? (statement) => queryRaw(rewrite(statement))
        : async (statement) => read(await queryRaw(rewrite(statement)))
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

/**
 * Asks a statement with `$1`-style parameters of Prisma's driver adapter itself, and returns its rows. Prisma's client
 * would serialise the values and the rows, and check them by their types, which costs more than such a statement.
 *
 * A value is sent as the driver sends it. A row arrives as the adapter reads it, so a column must have one of the types in
 * `plainTypes`: other types need what Prisma's client does. Throws the adapter's own errors.
 */
export type Ask = <Row>(text: string, values: readonly unknown[]) => Promise<Row[]>

/** Prisma's numbers of the types whose values arrive as texts, numbers, booleans, and lists of texts, ready for use. */
const plainTypes = new Set([0, 2, 3, 5, 6, 7, 12, 15, 70, 71, 78])
const int64 = 1
const json = 11

/** `Ask` for the tables in `schema`, through an adapter of `factory` that is connected with the first statement. */
export function askDirectly(factory: SqlDriverAdapterFactory, schema: string): Ask {
  let connecting: Promise<Adapter> | undefined
  let connected: Adapter | undefined
  /** By the text with the mark for the schema. There are few: each statement has one text. */
  const texts = new Map<string, string>()

  async function connect(): Promise<Adapter> {
    connecting ??= factory.connect()
    connected = await connecting
    return connected
  }

  function withSchema(text: string): string {
    const known = texts.get(text)
    if (known !== undefined) return known
    const filled = filledIn(text, schema)
    texts.set(text, filled)
    return filled
  }

  return async <Row>(text: string, values: readonly unknown[]) => {
    const adapter = connected ?? (await connect())
    const argTypes = values.map((value) => (Array.isArray(value) ? list : scalar))
    return rowsOf(await adapter.queryRaw({ sql: withSchema(text), args: [...values], argTypes })) as Row[]
  }
}

const scalar = { scalarType: 'unknown', arity: 'scalar' } as const
const list = { scalarType: 'unknown', arity: 'list' } as const

function rowsOf({ columnNames, columnTypes, rows }: Result): Record<string, unknown>[] {
  for (const type of columnTypes) {
    if (type !== int64 && type !== json && !plainTypes.has(type))
      throw new TypeError(`A prepared statement returns a column of type ${type}.`)
  }
  return rows.map((values) => {
    const row: Record<string, unknown> = {}
    for (const [index, name] of columnNames.entries()) row[name] = read(values[index], columnTypes[index])
    return row
  })
}

/** Integers of 64 bits and JSON arrive as texts. */
function read(value: unknown, type: number | undefined): unknown {
  if (value === null) return null
  if (type === int64) return BigInt(String(value))
  if (type === json) return JSON.parse(String(value))
  return value
}
