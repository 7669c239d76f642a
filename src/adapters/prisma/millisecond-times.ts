import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import { type Result, rewriteStatements } from './statements.js'

/** Prisma's numbers of the types of columns. */
const columnType = { double: 3, dateTime: 10 } as const

/**
 * `factory` whose results have times as milliseconds since the epoch, as the ports have them: a row is the port's value as
 * it arrives. Statements return the columns as they are. To convert them in SQL takes a STABLE function, which distributed
 * engines refuse or slow down in RETURNING.
 */
export function timesInMilliseconds(factory: SqlDriverAdapterFactory): SqlDriverAdapterFactory {
  return rewriteStatements(factory, (statement) => statement, withMilliseconds)
}

function withMilliseconds({ columnTypes, rows, ...rest }: Result): Result {
  if (!columnTypes.includes(columnType.dateTime)) return { columnTypes, rows, ...rest }
  return {
    ...rest,
    columnTypes: columnTypes.map((type) => (type === columnType.dateTime ? columnType.double : type)),
    rows: rows.map((row) =>
      row.map((value, i) => (columnTypes[i] === columnType.dateTime ? milliseconds(value) : value))
    )
  }
}

/** Both drivers read a time as a text with its zone, or as `infinity`. */
function milliseconds(time: unknown): number | null {
  if (time === null) return null
  const infinite = /^(-?)infinity$/i.exec(String(time))
  return infinite === null ? Date.parse(String(time)) : Number(`${infinite[1]}Infinity`)
}
