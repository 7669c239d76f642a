import type { Actor } from '../../../../ports/events.js'
import type { NewUser } from '../../../../ports/user-store.js'
import type { User } from '../../../../ports/users.js'
import { tables } from '../../tables.js'
import { by, eventTarget } from '../audit-events.js'
import type { Statements } from '../end-sessions.js'
import { clock, userColumns } from '../fragments.js'
import { isReserved } from '../recovery/links.js'

/** Adds the user and `user_registered`; undefined if an account has the address, or a live link keeps it for another. */
export async function insertUser(
  prisma: Statements,
  { id, email, passwordHash, roles, emailVerified = false, locale }: NewUser,
  actor: Actor
): Promise<User | undefined> {
  const [user] = await prisma.$queryRaw<User[]>`
    WITH u AS (
      INSERT INTO ${tables.user} (id, email, email_key, password_hash, roles, email_verified_at, locale, has_signed_in)
      SELECT
        ${id}::uuid, ${email.address}, ${email.key}, ${passwordHash}, ${[...roles]}::text[],
        CASE WHEN ${emailVerified}::boolean THEN ${clock} END, ${locale ?? null}, false
      WHERE NOT ${isReserved(email.key, id)}
      ON CONFLICT (email_key) DO NOTHING
      RETURNING *
    ), noted AS (
      INSERT INTO ${eventTarget} SELECT 'user_registered', u.id, NULL, NULL, NULL, ${by(actor)} FROM u
    )
    SELECT ${userColumns} FROM u`
  return user
}
