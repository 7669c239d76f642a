import { createHash } from 'node:crypto'
import { linkLifeSeconds } from '../../../../core/mail.js'
import type { Actor } from '../../../../ports/events.js'
import type { LiveLink, MadeLink, NewLink } from '../../../../ports/mail.js'
import { Prisma } from '../../generated/client.js'
import { tables } from '../../tables.js'
import { by, eventTarget } from '../audit-events.js'
import type { Statements } from '../end-sessions.js'
import { clock, isAfterEndOfAll, seconds } from '../fragments.js'
import { insertDroppedMails, insertMails } from '../mail.js'

/** What a link keeps of a password hash, to notice that it has changed. */
export const passwordDigest = (passwordHash: string) => createHash('sha256').update(passwordHash).digest('hex')

/** An INSERT of a one-time link; with `pretend` of one that has expired already. */
export function insertLink(link: NewLink, { pretend }: { readonly pretend: boolean }) {
  const { id, purpose, userId, address, tokenHash, boundTo, mailed, reservedEmailKey } = link
  const lifeSeconds = linkLifeSeconds[purpose]
  return Prisma.sql`
    INSERT INTO ${tables.oneTimeLink} (
      id, purpose, user_id, address, token_hash, bound_email, bound_password, mailed, life_seconds, expires_at,
      reserved_email_key
    )
    VALUES (
      ${id}::uuid, ${purpose}, ${userId}::uuid, ${address}, ${tokenHash}, ${boundTo === undefined ? null : (boundTo.email ?? '')},
      ${boundTo === undefined ? null : passwordDigest(boundTo.passwordHash)}, ${mailed}, ${lifeSeconds},
      ${clock} + ${seconds(pretend ? 0 : lifeSeconds)}, ${reservedEmailKey ?? null}
    )`
}

/**
 * A statement that writes a link, its mail and its event, and returns when the link expires. With `pretend`, see
 * `MadeLink`.
 */
export function insertMadeLink({ link, mail, event, pretend = false }: MadeLink, actor: Actor) {
  const mails = mail === undefined ? [] : [mail]
  return Prisma.sql`
    WITH made AS (
      ${insertLink(link, { pretend })} RETURNING expires_at
    ), queued AS (
      ${pretend ? insertDroppedMails(mails) : insertMails(mails)}
    ), noted AS (
      INSERT INTO ${eventTarget}
      VALUES (${event.type}, ${event.userId ?? null}::uuid, NULL::uuid, ${event.reason ?? null}, ${event.note ?? null}, ${by(actor)})
    )
    SELECT expires_at AS "expiresAt" FROM made`
}

/**
 * True for a link `l` that has not expired. The end of everybody's sessions also ends the changes of addresses that were
 * asked for before it.
 */
export const isLiveLink = Prisma.sql`
  (l.expires_at > ${clock} AND (l.purpose <> 'email_change' OR ${isAfterEndOfAll(Prisma.sql`l.created_at`)}))`

/**
 * Uses the link up: deletes its row if it can still be used, and returns whether it did. Of simultaneous uses one deletes
 * it. The caller's transaction has locked the user's row, so the account stays as it was checked until the end.
 */
export async function useLink(prisma: Statements, { id, purpose, tokenHash, user }: LiveLink): Promise<boolean> {
  const used = await prisma.$queryRaw<unknown[]>`
    DELETE FROM ${tables.oneTimeLink} l
    WHERE l.id = ${id}::uuid AND l.purpose = ${purpose} AND l.token_hash = ${tokenHash} AND ${isLiveLink}
      AND l.user_id = ${user.id}::uuid AND EXISTS (
        SELECT 1 FROM ${tables.user} u
        WHERE u.id = l.user_id AND (u.disabled_at IS NULL OR l.purpose = 'email_undo')
          AND (l.bound_email IS NULL OR l.bound_email = u.email)
          AND (l.bound_password IS NULL
            OR u.awaits_confirmation
            OR (l.bound_password = ${passwordDigest(user.passwordHash)} AND u.password_hash = ${user.passwordHash}))
      )
    RETURNING 1 AS used`
  return used.length === 1
}

/**
 * The address of the `"user" u` once this link is used. The person has received it at this spelling, so that replaces the
 * one that the first registration typed, which may be another mailbox.
 */
export const confirmedSpelling = ({ address, mailed }: LiveLink) =>
  Prisma.sql`CASE WHEN u.awaits_confirmation AND ${mailed}::boolean THEN ${address} ELSE u.email END`

/** An UPDATE that keeps links alive whose account got another hash of the same password, if `condition` is true. */
export const rebindLinks = (userId: string, oldHash: string, newHash: string, condition: Prisma.Sql) => Prisma.sql`
  UPDATE ${tables.oneTimeLink} l SET bound_password = ${passwordDigest(newHash)}
  WHERE l.user_id = ${userId}::uuid AND l.bound_password = ${passwordDigest(oldHash)} AND ${condition}`

/** A DELETE of the links to new addresses of the user. */
export const deleteAddressChanges = (userId: string | Prisma.Sql) => Prisma.sql`
  DELETE FROM ${tables.oneTimeLink} l WHERE l.user_id = ${userId}::uuid AND l.purpose = 'email_change'`

/** True if a live link keeps the address of this key for another user. */
export const isReserved = (emailKey: string | null, userId: string) => Prisma.sql`EXISTS (
  SELECT 1 FROM ${tables.oneTimeLink} l
  WHERE l.reserved_email_key = ${emailKey} AND l.user_id <> ${userId}::uuid AND l.expires_at > ${clock}
)`
