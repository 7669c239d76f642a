import type { Actor } from '../../../../ports/events.js'
import type { NewExternalUser, NewUser } from '../../../../ports/user-store.js'
import type { User } from '../../../../ports/users.js'
import { prepared } from '../../prepared-statements.js'
import { tables } from '../../tables.js'
import { by, eventTarget } from '../audit-events.js'
import type { Statements } from '../end-sessions.js'
import { clock, userColumns } from '../fragments.js'
import { isReserved } from '../recovery/links.js'
import { deleteWaiting, EmailTaken, isKept } from '../recovery/taken-address.js'

/** Rolls the transaction back: another account has the external id. */
export class ExternalIdTaken extends Error {}

/**
 * Adds the user and `user_registered`, and first deletes an account that waits for its confirmation, if the address counts
 * as verified. Throws `ExternalIdTaken` if an account has the external id, and `EmailTaken` if one has the address, or a
 * live link keeps it for another. For a transaction, which a user without an address does not need.
 */
export async function insertUser(prisma: Statements, user: NewUser | NewExternalUser, actor: Actor): Promise<User> {
  const { id, passwordHash, roles, locale } = user
  const isExternal = 'externalId' in user
  const [email, emailVerified] = isExternal ? [user.verifiedEmail, true] : [user.email, user.emailVerified ?? false]
  const externalId = isExternal ? user.externalId : null
  if (emailVerified && email) await deleteWaiting(prisma, email.key, actor)
  const [added] = await prisma.$queryRaw<User[]>`${prepared}
    WITH u AS (
      INSERT INTO ${tables.user} (
        id, email, email_key, external_id, password_hash, roles, email_verified_at, locale, has_signed_in
      )
      SELECT
        ${id}::uuid, ${email?.address ?? ''}, ${email?.key ?? null}, ${externalId}, ${passwordHash}, ${[...roles]}::text[],
        CASE WHEN ${emailVerified && email !== undefined}::boolean THEN ${clock} END, ${locale ?? null}, false
      WHERE NOT ${isReserved(email?.key ?? null, id)}
      ON CONFLICT DO NOTHING
      RETURNING *
    ), noted AS (
      INSERT INTO ${eventTarget} SELECT 'user_registered', u.id, NULL, ${isExternal ? 'host' : null}, NULL, ${by(actor)} FROM u
    )
    SELECT ${userColumns} FROM u`
  if (added === undefined && externalId !== null && (!email || (await hasExternalId(prisma, externalId))))
    throw new ExternalIdTaken()
  if (added === undefined || (email && (await isKept(prisma, email.key, id)))) throw new EmailTaken()
  return added
}

/** Whether an account has the external id. Ask after the INSERT, which waits for another transaction that adds it. */
async function hasExternalId(prisma: Statements, externalId: string): Promise<boolean> {
  const rows = await prisma.$queryRaw<unknown[]>`SELECT 1 FROM ${tables.user} u WHERE u.external_id = ${externalId}`
  return rows.length > 0
}
