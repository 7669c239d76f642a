import { decodeBase64url, encodeBase64url } from '../../../core/bytes-as-text.js'
import { uuidPattern } from '../../../core/vocabulary.js'
import { InvalidCursor } from '../../../ports/errors.js'
import type { Page, PageRequest } from '../../../ports/paging.js'
import { Prisma } from '../generated/client.js'
import { timestamp } from './fragments.js'

/**
 * Rows of the table `alias` by `created_at` and `id`, newest first. Cursors begin with `name`, so that a cursor of
 * another listing is refused.
 */
export function byCreation<T extends { readonly id: string; readonly createdAt: number }>(name: string, alias: string) {
  return listing<T>({
    pattern: new RegExp(`^${name}:(\\d{1,14}):(${uuidPattern})$`),
    position: (row) => `${name}:${row.createdAt}:${row.id}`,
    after: ([, createdAt, id]) =>
      Prisma.sql`(${Prisma.raw(alias)}.created_at, ${Prisma.raw(alias)}.id) <
        (${timestamp(Number(createdAt))}, ${id}::uuid)`
  })
}

/** Rows of the table `alias` by an ascending number, newest first. */
export function byNumber<T extends { readonly id: string }>(name: string, alias: string) {
  return listing<T>({
    pattern: new RegExp(`^${name}:(\\d{1,18})$`),
    position: (row) => `${name}:${row.id}`,
    after: ([, id]) => Prisma.sql`${Prisma.raw(alias)}.id < ${id}::bigint`
  })
}

/** How a listing in one order reads and makes its cursors. */
function listing<T>(order: {
  readonly pattern: RegExp
  readonly position: (row: T) => string
  readonly after: (match: RegExpExecArray) => Prisma.Sql
}) {
  return {
    /** The condition for rows after the cursor; undefined for the first page. Throws `InvalidCursor`. */
    after(cursor: string | undefined): Prisma.Sql | undefined {
      if (cursor === undefined) return undefined
      const match = order.pattern.exec(decode(cursor))
      if (match === null) throw new InvalidCursor('The cursor is not from this listing.')
      return order.after(match)
    },
    /** Makes the page. Query one row more than its limit: that row shows that another page follows. */
    page(rows: readonly T[], { limit }: PageRequest): Page<T> {
      const items = rows.slice(0, limit)
      const last = items.at(-1)
      const more = rows.length > limit && last !== undefined
      return { items, nextCursor: more ? encodeBase64url(new TextEncoder().encode(order.position(last))) : null }
    }
  }
}

const decode = (cursor: string) => new TextDecoder().decode(decodeBase64url(cursor) ?? new Uint8Array())

/** `WHERE` with all conditions that are defined, or nothing. */
export function where(conditions: readonly (Prisma.Sql | undefined)[]): Prisma.Sql {
  const given = conditions.filter((condition) => condition !== undefined)
  return given.length === 0 ? Prisma.empty : Prisma.sql`WHERE ${Prisma.join(given, ' AND ')}`
}
