import type { LinkStore, LiveLink } from '../../../ports/mail.js'
import type { UserWithPassword } from '../../../ports/users.js'
import { type Database, query } from '../database.js'
import { userWithPasswordColumns } from '../sql/fragments.js'
import { insertMadeLink, isLiveLink, passwordDigest } from '../sql/recovery/links.js'
import { tables } from '../tables.js'

type LinkRow = Omit<LiveLink, 'user'> & {
  readonly boundEmail: string | null
  readonly boundPassword: string | null
}

/** One-time links in PostgreSQL. */
export function prismaLinkStore(database: Database): LinkStore {
  return {
    async create(made, actor) {
      const [row] = await query<{ readonly expiresAt: number }>(database)`${insertMadeLink(made, actor)}`
      if (row === undefined) throw new Error('The database returned no link.')
      return row.expiresAt
    },

    async find({ id, tokenHash }, purposes) {
      const [row] = await query<LinkRow>(database)`
        SELECT l.id, l.purpose, l.user_id AS "userId", l.address, l.token_hash AS "tokenHash", l.mailed,
          l.bound_email AS "boundEmail", l.bound_password AS "boundPassword"
        FROM ${tables.oneTimeLink} l
        WHERE l.id = ${id}::uuid AND l.purpose = ANY (${[...purposes]}::text[]) AND l.token_hash = ${tokenHash} AND ${isLiveLink}`
      if (row === undefined) return undefined
      const { boundEmail, boundPassword, ...link } = row
      const [user] = await query<UserWithPassword>(database)`
        SELECT ${userWithPasswordColumns} FROM ${tables.user} u WHERE u.id = ${link.userId}::uuid`
      if (user === undefined || (user.disabled && link.purpose !== 'email_undo')) return undefined
      if (boundEmail !== null && boundEmail !== (user.email ?? '')) return undefined
      const isAnotherPassword = boundPassword !== null && boundPassword !== passwordDigest(user.passwordHash)
      if (isAnotherPassword && !user.awaitsConfirmation) return undefined
      return { ...link, user }
    }
  }
}
