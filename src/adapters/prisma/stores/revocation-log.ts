import type { Revocation } from '../../../core/revocation-set.js'
import { maxCommitSeconds, type RevocationLog } from '../../../ports/revocations.js'
import { type Database, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { clock, revocationColumns, seconds } from '../sql/fragments.js'
import { tables } from '../tables.js'

export function prismaRevocationLog(database: Database): RevocationLog {
  const unexpired = (condition: Prisma.Sql) =>
    query<Revocation>(database)`
      SELECT ${revocationColumns} FROM ${tables.revocation} r WHERE r.expires_at > ${clock} AND ${condition} ORDER BY r.id`
  return {
    live: () => unexpired(Prisma.sql`true`),
    after: (id) => unexpired(Prisma.sql`r.id > ${id}`),
    since: (id) =>
      unexpired(Prisma.sql`(
        r.id > ${id}
        OR r.at >= coalesce((SELECT seen.at FROM ${tables.revocation} seen WHERE seen.id = ${id}), '-infinity') - ${seconds(maxCommitSeconds)}
      )`)
  }
}
