import type { Database } from '../../database.js'
import { execute } from '../../database.js'
import { tables } from '../../tables.js'
import { eventTarget } from '../audit-events.js'
import { clock } from '../fragments.js'

/**
 * Deletes at most `batch` expired registrations, and the accounts that waited for their confirmation. Instances may run
 * it at the same time: it skips locked rows.
 */
export async function purgeRegistrations(database: Database, batch: number): Promise<void> {
  await database.run((prisma) =>
    prisma.$transaction(async (prisma) => {
      const waiting = await prisma.$queryRaw<readonly { readonly id: string }[]>`
        SELECT u.id FROM ${tables.user} u JOIN ${tables.registration} r ON r.email_key = u.email_key
        WHERE r.expires_at <= ${clock} AND u.awaits_confirmation
        ORDER BY r.expires_at LIMIT ${batch} FOR UPDATE OF u SKIP LOCKED`
      // Another statement, because it sees a registration that was committed just before the rows were locked.
      await prisma.$queryRaw`
        WITH deleted AS (
          DELETE FROM ${tables.user} u
          WHERE u.id = ANY (${waiting.map(({ id }) => id)}::uuid[]) AND u.awaits_confirmation AND EXISTS (
            SELECT 1 FROM ${tables.registration} r WHERE r.email_key = u.email_key AND r.expires_at <= ${clock}
          )
          RETURNING u.id
        ), links AS (
          DELETE FROM ${tables.oneTimeLink} WHERE user_id IN (SELECT id FROM deleted)
        )
        INSERT INTO ${eventTarget}
        SELECT 'user_deleted', u.id, NULL, 'unconfirmed', NULL, NULL, NULL, NULL FROM deleted u`
    })
  )
  await execute(database)`
    DELETE FROM ${tables.registration} WHERE email_key = ANY (ARRAY(
      SELECT r.email_key FROM ${tables.registration} r
      WHERE r.expires_at <= ${clock} AND NOT EXISTS (
        SELECT 1 FROM ${tables.user} u WHERE u.email_key = r.email_key AND u.awaits_confirmation
      )
      ORDER BY r.expires_at LIMIT ${batch} FOR UPDATE OF r SKIP LOCKED
    ))`
}
