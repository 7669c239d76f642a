import type { Email } from '../../../../core/email.js'
import type { UndoLink } from '../../../../ports/mail.js'
import type { UserStore } from '../../../../ports/user-store.js'
import type { Database } from '../../database.js'
import { isUniqueViolation } from '../../database-errors.js'
import { Prisma } from '../../generated/client.js'
import { tables } from '../../tables.js'
import { by, eventTarget } from '../audit-events.js'
import { type EndingPolicy, endSessions, endSurplus, lockUser, type Statements } from '../end-sessions.js'
import { clock } from '../fragments.js'
import { insertMails, keepNoticeCounts } from '../mail.js'
import { insertLink, isReserved, useLink } from './links.js'
import { deleteWaiting, EmailTaken, isKept, orTaken } from './taken-address.js'

/** The methods of a `UserStore` that change the address of an account. */
export function addressChanges(
  database: Database,
  policy: EndingPolicy
): Pick<UserStore, 'changeEmail' | 'undoEmailChange'> {
  return {
    changeEmail({ link, email, follow }, actor) {
      const { id: userId } = link.user
      return orTaken(
        database.run((prisma) =>
          prisma.$transaction(async (prisma) => {
            await lockUser(prisma, userId)
            if (!(await useLink(prisma, link))) return 'dead' as const
            await deleteWaiting(prisma, email.key, actor)
            const changed = await prisma.$queryRaw<unknown[]>`
              WITH changed AS (
                ${setEmail(userId, email)} RETURNING u.id
              ), noted AS (
                INSERT INTO ${eventTarget} SELECT 'email_changed', id, NULL, NULL, NULL, ${by(actor)} FROM changed
              ), counted AS (
                ${keepNoticeCounts(userId)}
              ), dead AS (
                ${deleteLinksOfAddress(userId)}
              )
              SELECT id FROM changed`.catch(refuseTaken)
            await requireTaken(prisma, changed, email, userId)
            const undo = await findUndo(prisma, userId)
            const followed = follow(undo)
            const renewedId = followed.undo === 'renew' ? undo?.id : undefined
            await prisma.$queryRaw`
              WITH renewed AS (
                UPDATE ${tables.oneTimeLink} l SET expires_at = ${clock} + l.life_seconds * interval '1 second'
                WHERE l.id = ${renewedId ?? null}::uuid
              ), deleted AS (
                DELETE FROM ${tables.oneTimeLink} l
                WHERE ${isUndoOf(userId)} AND l.id IS DISTINCT FROM ${renewedId ?? null}::uuid
              )
              ${insertMails(followed.mails)}`
            if (typeof followed.undo !== 'string')
              await prisma.$queryRaw`${insertLink(followed.undo, { pretend: false })}`
            return 'changed' as const
          })
        )
      )
    },

    async undoEmailChange({ link, email, noPasswordHash, reset, mails }, actor) {
      const { id: userId } = link.user
      const sessions = Prisma.sql`s.user_id = ${userId}::uuid`
      const isUnused = Prisma.sql`EXISTS (SELECT 1 FROM ${tables.oneTimeLink} l WHERE l.id = ${link.id}::uuid)`
      const surplus = await endSurplus(database, policy, { userId, only: isUnused }, actor)
      const ended = await orTaken(
        database.run((prisma) =>
          prisma.$transaction(async (prisma) => {
            await lockUser(prisma, userId)
            if (!(await useLink(prisma, link))) return 'dead' as const
            const revocations = await endSessions(prisma, sessions, { reason: 'revoked_by_user' }, actor, policy)
            const changed = await prisma.$queryRaw<unknown[]>`
              WITH changed AS (
                ${setEmail(userId, email, Prisma.sql`, password_hash = ${noPasswordHash}`)} RETURNING u.id
              ), noted AS (
                INSERT INTO ${eventTarget}
                SELECT type, id, NULL::uuid, NULL, NULL, ${by(actor)}
                FROM changed, unnest(ARRAY['email_change_undone', 'password_removed']) type
              ), dead AS (
                DELETE FROM ${tables.oneTimeLink} l WHERE l.user_id = ${userId}::uuid
              )
              SELECT id FROM changed`.catch(refuseTaken)
            await requireTaken(prisma, changed, email, userId)
            if (reset !== undefined) await prisma.$queryRaw`${insertLink(reset, { pretend: false })}`
            await prisma.$queryRaw`${insertMails(mails)}`
            return revocations
          })
        )
      )
      return typeof ended === 'string' ? ended : [...surplus, ...ended]
    }
  }
}

/** An UPDATE of the user's address, which is verified from now on. Changes nothing if it is kept for another account. */
const setEmail = (userId: string, { address, key }: Email, more = Prisma.empty) => Prisma.sql`
  UPDATE ${tables.user} u
  SET email = ${address}, email_key = ${key}, email_verified_at = ${clock}, awaits_confirmation = false${more}
  WHERE u.id = ${userId}::uuid AND NOT ${isReserved(key, userId)}`

/** Links that were bound to the old address would live again if the account got that address back. */
const deleteLinksOfAddress = (userId: string) => Prisma.sql`
  DELETE FROM ${tables.oneTimeLink} l WHERE l.user_id = ${userId}::uuid AND l.bound_email IS NOT NULL`

/** True for an `email_undo` link `l` of the user. */
const isUndoOf = (userId: string) => Prisma.sql`(l.user_id = ${userId}::uuid AND l.purpose = 'email_undo')`

async function findUndo(prisma: Statements, userId: string): Promise<UndoLink | undefined> {
  const [undo] = await prisma.$queryRaw<UndoLink[]>`
    SELECT l.id, l.address, l.mailed FROM ${tables.oneTimeLink} l
    WHERE ${isUndoOf(userId)} AND l.expires_at > ${clock}`
  return undo
}

/** Another account can get the address while the statement waits for its key. */
function refuseTaken(error: unknown): never {
  throw isUniqueViolation(error) ? new EmailTaken() : error
}

/** Unless the account has got the address, rolls back, so that the link can be used again once the address is free. */
async function requireTaken(prisma: Statements, changed: readonly unknown[], { key }: Email, userId: string) {
  if (changed.length === 0 || (await isKept(prisma, key, userId))) throw new EmailTaken()
}
