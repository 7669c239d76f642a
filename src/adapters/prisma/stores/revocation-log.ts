import type { Revocation } from '../../../core/revocation-set.js'
import type { RevocationLog } from '../../../ports/revocations.js'
import { type Database, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { endSessionsUntil } from '../sql/end-all-sessions.js'
import { clock, revocationColumns } from '../sql/fragments.js'
import { restoreRevocations } from '../sql/restore-revocations.js'

export function prismaRevocationLog(database: Database): RevocationLog {
  const unexpired = (condition: Prisma.Sql) =>
    query<Revocation>(database)`
      SELECT ${revocationColumns} FROM revocation r WHERE r.expires_at > ${clock} AND ${condition} ORDER BY r.id`
  return {
    live: () => unexpired(Prisma.sql`true`),
    after: (id, ids) => unexpired(Prisma.sql`(r.id > ${id} OR r.id = ANY (${ids}::bigint[]))`),
    restore: restoreRevocations(database),
    endSessionsUntil: async (revocation) => void (await endSessionsUntil(database, revocation))
  }
}
