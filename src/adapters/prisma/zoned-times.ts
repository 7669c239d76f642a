import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import pg from 'pg'
import { rewriteStatements } from './statements.js'

// Prisma's adapter for pg assumes that the session's time zone is UTC: it sends times without a zone, and it replaces the
// zone of the times that it reads. These two functions make times right in every time zone.

/** `factory` whose statements send each time with its zone. */
export function sendingZones(factory: SqlDriverAdapterFactory): SqlDriverAdapterFactory {
  return rewriteStatements(factory, ({ sql, args, argTypes }) => ({
    sql,
    args: args.map((arg, i) => (argTypes[i]?.scalarType === 'datetime' ? withZone(arg) : arg)),
    argTypes: argTypes.map((type) => (type.scalarType === 'datetime' ? { ...type, scalarType: 'string' } : type))
  }))
}

function withZone(time: unknown): unknown {
  if (Array.isArray(time)) return time.map(withZone)
  return typeof time === 'string' || time instanceof Date ? new Date(time).toISOString() : time
}

/** `query` of Prisma's adapter, which reads each time as UTC. */
export function readingZones(query: pg.QueryConfig): pg.QueryConfig {
  const types = query.types ?? pg.types
  const readTime = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ, 'text')
  const getTypeParser: pg.CustomTypesConfig['getTypeParser'] = (oid, format) =>
    oid === pg.types.builtins.TIMESTAMPTZ ? (text: string) => utc(readTime(text)) : types.getTypeParser(oid, format)
  return { ...query, types: { getTypeParser } }
}

/** pg reads `infinity` as a number. */
const utc = (time: unknown) => (time instanceof Date ? time.toISOString() : String(time))
