import { type TProperties, type TSchema, Type } from 'typebox'
import { defaultPageLimit, maxPageLimit, uuidPattern } from '../../core/vocabulary.js'

/** The parts that schemas of several resources use. */

export const text = (maxLength: number, description: string) => Type.String({ maxLength, description })
/** Text that is stored and displayed: no control characters. PostgreSQL refuses NUL, and terminals obey the others. */
export const line = (minLength: number, maxLength: number, description: string) =>
  Type.String({ minLength, maxLength, pattern: '^[^\\p{Cc}]*$', description })
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const time = Type.String({ format: 'date-time' })

/** A time as RFC 3339 in UTC. */
export function timeView(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** An id in a response. */
export const id = Type.String({ minLength: 1, maxLength: 64, description: 'Opaque.' })
/** An id in a request. One of another form cannot exist, so the database is not asked for it. */
export const requestId = Type.String({
  pattern: `^${uuidPattern}$`,
  description: 'An id from this service.'
})
export const IdParams = Type.Object({ id: requestId })

/** A query with no other members: a misspelled filter must be refused, because without it the list would be longer. */
export const query = <T extends TProperties>(members: T) => Type.Object(members, { additionalProperties: false })

/** The members of every query of a paged list. */
export const page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: maxPageLimit, default: defaultPageLimit })),
  cursor: Type.Optional(text(200, '`next_cursor` of the previous page.'))
}
export const nextCursor = nullable(Type.String())

/** The page that a query asks for. */
export function pageOf({ limit = defaultPageLimit, cursor }: { limit?: number; cursor?: string }) {
  return { limit, cursor }
}

export const RevokedResponse = Type.Object({ revoked: Type.Integer({ description: 'How many sessions ended.' }) })
/** An empty response. Typed `undefined`, so that handlers call `send()` without a body. */
export const EmptyResponse = Type.Unsafe<undefined>(Type.Null({ description: 'Done.' }))
