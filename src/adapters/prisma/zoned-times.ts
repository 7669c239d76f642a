import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import pg from 'pg'
import { rewriteStatements } from './statements.js'

// Prisma's adapter for pg assumes that the session's time zone is UTC: it sends times without a zone, and it replaces the
// zone of the times that it reads. These two functions make times right in every time zone.

/** `factory` whose statements send each time with its zone. */
export function sendingZones(factory: SqlDriverAdapterFactory): SqlDriverAdapterFactory {
  return rewriteStatements(factory, (statement) => {
    const { sql, args, argTypes } = statement
    if (!argTypes.some(isTime)) return statement
    return {
      sql,
      args: args.map((arg, i) => (argTypes[i]?.scalarType === 'datetime' ? withZone(arg) : arg)),
      argTypes: argTypes.map((type) => (isTime(type) ? { ...type, scalarType: 'string' } : type))
    }
  })
}

const isTime = ({ scalarType }: { readonly scalarType: string }) => scalarType === 'datetime'

function withZone(time: unknown): unknown {
  if (Array.isArray(time)) return time.map(withZone)
  return typeof time === 'string' || time instanceof Date ? new Date(time).toISOString() : time
}

/** `query` of Prisma's adapter, which reads each time as milliseconds since the epoch. */
export function readingZones(query: pg.QueryConfig): pg.QueryConfig {
  const types = query.types ?? pg.types
  const getTypeParser: pg.CustomTypesConfig['getTypeParser'] = (oid, format) =>
    oid === pg.types.builtins.TIMESTAMPTZ ? readTime : types.getTypeParser(oid, format)
  return { ...query, types: { getTypeParser } }
}

const usualTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d(:\d\d)?$/
const readUnusual = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ, 'text')

/** pg's parser is five times as slow as `Date.parse`, which needs `T` and the minutes of the zone (ECMA-262 §21.4.1.32). */
function readTime(text: string): unknown {
  const usual = usualTime.exec(text)
  if (usual !== null) return Date.parse(`${text.slice(0, 10)}T${text.slice(11)}${usual[1] === undefined ? ':00' : ''}`)
  const time: unknown = readUnusual(text)
  // pg reads `infinity` as a number.
  return time instanceof Date ? time.getTime() : String(time)
}
