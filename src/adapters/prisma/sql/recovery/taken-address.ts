import type { Actor } from '../../../../ports/events.js'
import { prepared } from '../../prepared-statements.js'
import { tables } from '../../tables.js'
import { by, eventTarget } from '../audit-events.js'
import type { Statements } from '../end-sessions.js'
import { isWaiting } from '../fragments.js'
import { isReserved } from './links.js'

/** Rolls the transaction back: another account has the address, or a live link keeps it for one. */
export class EmailTaken extends Error {}

export async function orTaken<Result>(changing: Promise<Result>): Promise<Result | 'email_taken'> {
  try {
    return await changing
  } catch (error) {
    if (error instanceof EmailTaken) return 'email_taken'
    throw error
  }
}

/**
 * Deletes the account that waits until this address is confirmed, if there is one. Nobody has used it and a stranger may
 * have registered it, so it does not keep the address from an admin or from a person who has confirmed it.
 */
export async function deleteWaiting(prisma: Statements, emailKey: string, actor: Actor): Promise<void> {
  await prisma.$queryRaw`
    WITH deleted AS (
      DELETE FROM ${tables.user} u WHERE u.email_key = ${emailKey} AND ${isWaiting} RETURNING u.id, u.external_id
    ), links AS (
      DELETE FROM ${tables.oneTimeLink} WHERE user_id IN (SELECT id FROM deleted)
    ), mails AS (
      DELETE FROM ${tables.mail} WHERE user_id IN (SELECT id FROM deleted)
    )
    INSERT INTO ${eventTarget} SELECT 'user_deleted', id, NULL, 'unconfirmed', external_id, ${by(actor)} FROM deleted`
}

/**
 * Whether a live link keeps the address for another user. Ask in a statement after the one that took the address: that
 * one may have waited for a change of address to commit, and did not see the link that the change wrote.
 */
export async function isKept(prisma: Statements, emailKey: string, userId: string): Promise<boolean> {
  const [row] = await prisma.$queryRaw<readonly { readonly kept: boolean }[]>`${prepared}
    SELECT ${isReserved(emailKey, userId)} AS kept`
  return row?.kept === true
}
