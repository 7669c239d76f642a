import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import { Unavailable } from '../../ports/errors.js'
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

/**
 * The drivers read a time as milliseconds, as a text with its zone, or as `infinity`. Throws if it is none: NaN is
 * neither before nor after any time, so nothing would ever expire.
 */
function milliseconds(time: unknown): number | null {
  if (time === null || (typeof time === 'number' && !Number.isNaN(time))) return time
  const infinite = /^(-?)infinity$/i.exec(String(time))
  if (infinite !== null) return Number(`${infinite[1]}Infinity`)
  const parsed = Date.parse(String(time))
  if (Number.isNaN(parsed)) throw new Unavailable('A time of the database cannot be read. Its DateStyle must be ISO.')
  return parsed
}
