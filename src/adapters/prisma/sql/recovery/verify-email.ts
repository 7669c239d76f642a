import type { UserStore } from '../../../../ports/user-store.js'
import type { Database } from '../../database.js'
import { tables } from '../../tables.js'
import { by, eventTarget } from '../audit-events.js'
import { lockUser } from '../end-sessions.js'
import { clock } from '../fragments.js'
import { confirmedSpelling, useLink } from './links.js'

/** `UserStore.verifyEmail`. */
export function emailVerification(database: Database): Pick<UserStore, 'verifyEmail'> {
  return {
    verifyEmail(link, actor) {
      const { id: userId } = link.user
      return database.run((prisma) =>
        prisma.$transaction(async (prisma) => {
          await lockUser(prisma, userId)
          if (!(await useLink(prisma, link))) return undefined
          const [verified] = await prisma.$queryRaw<
            readonly { readonly awaited: boolean; readonly passwordHash: string }[]
          >`
            WITH before AS (
              SELECT u.id, u.email_key, u.awaits_confirmation AS awaited, u.password_hash AS "passwordHash" FROM ${tables.user} u WHERE u.id = ${userId}::uuid
            ), changed AS (
              UPDATE ${tables.user} u SET email = ${confirmedSpelling(link)}, email_verified_at = ${clock},
                awaits_confirmation = false
              WHERE u.id = ${userId}::uuid
            ), unneeded AS (
              DELETE FROM ${tables.oneTimeLink} l WHERE l.user_id = ${userId}::uuid AND l.purpose = 'email_verification'
            ), registered AS (
              DELETE FROM ${tables.registration} WHERE email_key IN (SELECT email_key FROM before WHERE awaited)
            ), noted AS (
              INSERT INTO ${eventTarget} SELECT 'email_verified', id, NULL, NULL, NULL, ${by(actor)} FROM before
            )
            SELECT awaited, "passwordHash" FROM before`
          return verified
        })
      )
    }
  }
}
