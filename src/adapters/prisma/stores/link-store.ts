import type { LinkStore, LiveLink } from '../../../ports/mail.js'
import type { UserWithPassword } from '../../../ports/users.js'
import { type Database, query } from '../database.js'
import { by, eventTarget } from '../sql/audit-events.js'
import { clock, userColumns } from '../sql/fragments.js'
import { insertDroppedMails, insertMails } from '../sql/mail.js'
import { insertLink, passwordDigest } from '../sql/recovery/links.js'
import { tables } from '../tables.js'

type LinkRow = Omit<LiveLink, 'user'> & {
  readonly boundEmail: string | null
  readonly boundPassword: string | null
}

/** One-time links in PostgreSQL. */
export function prismaLinkStore(database: Database): LinkStore {
  return {
    async create({ link, mail, event, pretend = false }, actor) {
      const mails = mail === undefined ? [] : [mail]
      const [row] = await query<{ readonly expiresAt: number }>(database)`
        WITH made AS (
          ${insertLink(link, { pretend })} RETURNING expires_at
        ), queued AS (
          ${pretend ? insertDroppedMails(mails) : insertMails(mails)}
        ), noted AS (
          INSERT INTO ${eventTarget}
          VALUES (${event.type}, ${event.userId ?? null}::uuid, NULL::uuid, ${event.reason ?? null}, ${event.note ?? null}, ${by(actor)})
        )
        SELECT expires_at AS "expiresAt" FROM made`
      if (row === undefined) throw new Error('The database returned no link.')
      return row.expiresAt
    },

    async find({ id, tokenHash }, purposes) {
      const [row] = await query<LinkRow>(database)`
        SELECT l.id, l.purpose, l.user_id AS "userId", l.address, l.token_hash AS "tokenHash", l.mailed,
          l.bound_email AS "boundEmail", l.bound_password AS "boundPassword"
        FROM ${tables.oneTimeLink} l
        WHERE l.id = ${id}::uuid AND l.purpose = ANY (${[...purposes]}::text[]) AND l.token_hash = ${tokenHash} AND l.expires_at > ${clock}`
      if (row === undefined) return undefined
      const { boundEmail, boundPassword, ...link } = row
      const [user] = await query<UserWithPassword>(database)`
        SELECT ${userColumns}, u.password_hash AS "passwordHash" FROM ${tables.user} u WHERE u.id = ${link.userId}::uuid`
      if (user === undefined) return undefined
      if (boundEmail !== null && boundEmail !== user.email) return undefined
      if (boundPassword !== null && boundPassword !== passwordDigest(user.passwordHash)) return undefined
      return { ...link, user }
    }
  }
}
