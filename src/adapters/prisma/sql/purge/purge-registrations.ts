import { randomUUID } from 'node:crypto'
import { registrationLifeSeconds } from '../../../../core/mail.js'
import type { Database } from '../../database.js'
import { execute } from '../../database.js'
import { tables } from '../../tables.js'
import { eventTarget } from '../audit-events.js'
import { clock, isWaiting, seconds } from '../fragments.js'

/**
 * Deletes at most `batch` expired registrations, and the accounts that waited for their confirmation. A disabled account
 * stays, so that nobody can register its address again. Instances may run it at the same time: it skips locked rows.
 *
 * An account that waits without a registration gets one, and so `registrationLifeSeconds` more: an instance of an older
 * version has made it, or it was disabled for a time. No index leads to such accounts, so each call looks at the `batch`
 * accounts from `somewhere` on, a random UUID by default.
 */
export async function purgeRegistrations(
  database: Database,
  batch: number,
  somewhere: string = randomUUID()
): Promise<void> {
  await execute(database)`
    INSERT INTO ${tables.registration} (email_key, password_hash, expires_at)
    SELECT u.email_key, u.password_hash, ${clock} + ${seconds(registrationLifeSeconds)}
    FROM (SELECT * FROM ${tables.user} WHERE id >= ${somewhere}::uuid ORDER BY id LIMIT ${batch}) u
    WHERE ${isWaiting}
    ON CONFLICT (email_key) DO NOTHING`
  await database.run((prisma) =>
    prisma.$transaction(async (prisma) => {
      const waiting = await prisma.$queryRaw<readonly { readonly id: string }[]>`
        SELECT u.id FROM ${tables.user} u
        WHERE u.email_key = ANY (ARRAY(
          SELECT r.email_key FROM ${tables.registration} r WHERE r.expires_at <= ${clock}
          ORDER BY r.expires_at LIMIT ${batch}
        )) AND ${isWaiting}
        FOR UPDATE SKIP LOCKED`
      // Another statement, because it sees a registration that was committed just before the rows were locked.
      await prisma.$queryRaw`
        WITH deleted AS (
          DELETE FROM ${tables.user} u
          WHERE u.id = ANY (${waiting.map(({ id }) => id)}::uuid[]) AND ${isWaiting} AND EXISTS (
            SELECT 1 FROM ${tables.registration} r WHERE r.email_key = u.email_key AND r.expires_at <= ${clock}
          )
          RETURNING u.id, u.external_id
        ), links AS (
          DELETE FROM ${tables.oneTimeLink} WHERE user_id IN (SELECT id FROM deleted)
        )
        INSERT INTO ${eventTarget}
        SELECT 'user_deleted', u.id, NULL, 'unconfirmed', u.external_id, NULL, NULL, NULL FROM deleted u`
    })
  )
  await execute(database)`
    DELETE FROM ${tables.registration} r WHERE r.email_key = ANY (ARRAY(
      SELECT email_key FROM ${tables.registration} WHERE expires_at <= ${clock}
      ORDER BY expires_at LIMIT ${batch} FOR UPDATE SKIP LOCKED
    )) AND NOT EXISTS (SELECT 1 FROM ${tables.user} u WHERE u.email_key = r.email_key AND ${isWaiting})`
}
