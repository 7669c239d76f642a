import type { UserStore } from '../../../../ports/user-store.js'
import type { Database } from '../../database.js'
import { Prisma } from '../../generated/client.js'
import { tables } from '../../tables.js'
import { by, eventTarget } from '../audit-events.js'
import { type EndingPolicy, endSessions, endSurplus, lockUser } from '../end-sessions.js'
import { clock } from '../fragments.js'
import { insertMails } from '../mail.js'
import { confirmedSpelling, useLink } from './links.js'

/** The methods of a `UserStore` that set or remove a password without the old one. */
export function passwordResets(
  database: Database,
  policy: EndingPolicy
): Pick<UserStore, 'resetPassword' | 'removePassword'> {
  return {
    async resetPassword({ link, newHash, mails }, actor) {
      const { id: userId } = link.user
      const eventReason = link.purpose === 'invitation' ? 'invitation' : null
      const sessions = Prisma.sql`s.user_id = ${userId}::uuid`
      const isUnused = Prisma.sql`EXISTS (SELECT 1 FROM ${tables.oneTimeLink} l WHERE l.id = ${link.id}::uuid)`
      const surplus = await endSurplus(database, policy, { userId, only: isUnused }, actor)
      const ended = await database.run((prisma) =>
        prisma.$transaction(async (prisma) => {
          await lockUser(prisma, userId)
          if (!(await useLink(prisma, link))) return undefined
          const revocations = await endSessions(prisma, sessions, { reason: 'password_reset' }, actor, policy)
          await prisma.$queryRaw`
            WITH registered AS (
              DELETE FROM ${tables.registration} WHERE email_key IN (
                SELECT u.email_key FROM ${tables.user} u
                WHERE u.id = ${userId}::uuid AND u.awaits_confirmation
              )
            ), changed AS (
              UPDATE ${tables.user} u SET email = ${confirmedSpelling(link)}, password_hash = ${newHash},
                email_verified_at = CASE WHEN ${link.mailed}::boolean THEN ${clock} ELSE u.email_verified_at END,
                awaits_confirmation = false
              WHERE u.id = ${userId}::uuid
              RETURNING u.id
            ), queued AS (
              ${insertMails(mails, Prisma.sql`EXISTS (SELECT 1 FROM changed)`)}
            )
            INSERT INTO ${eventTarget}
            SELECT 'password_reset', id, NULL, ${eventReason}::text, NULL, ${by(actor)} FROM changed`
          return revocations
        })
      )
      return ended && [...surplus, ...ended]
    },

    async removePassword(userId, { noPasswordHash, ...ended }, actor) {
      const sessions = Prisma.sql`s.user_id = ${userId}::uuid`
      const surplus = await endSurplus(database, policy, { userId }, actor)
      const [, revocations] = await database.run((prisma) =>
        prisma.$transaction([
          lockUser(prisma, userId),
          endSessions(prisma, sessions, ended, actor, policy),
          prisma.$queryRaw`
            WITH changed AS (
              UPDATE ${tables.user} SET password_hash = ${noPasswordHash} WHERE id = ${userId}::uuid RETURNING id
            ), dead AS (
              DELETE FROM ${tables.oneTimeLink} WHERE user_id = ${userId}::uuid
                AND (bound_password IS NOT NULL OR purpose = 'email_undo')
            )
            INSERT INTO ${eventTarget}
            SELECT 'password_removed', id, NULL, NULL, ${ended.note ?? null}, ${by(actor)} FROM changed`
        ])
      )
      return [...surplus, ...revocations]
    }
  }
}
