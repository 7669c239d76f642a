import type { Revocation } from '../../../core/revocation-set.js'
import type { RevocationLog } from '../../../ports/revocations.js'
import { type Database, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { endSessionsUntil } from '../sql/end-all-sessions.js'
import { clock, revocationColumns } from '../sql/fragments.js'
import { restoreRevocations } from '../sql/restore-revocations.js'
import { tables } from '../tables.js'

/** Small enough that reading a page and comparing it holds up no request noticeably. */
const defaultPage = 5000

export function prismaRevocationLog(database: Database, page = defaultPage): RevocationLog {
  const unexpired = (condition: Prisma.Sql, limit = Prisma.empty) =>
    query<Revocation>(database)`
      SELECT ${revocationColumns} FROM ${tables.revocation} r
      WHERE r.expires_at > ${clock} AND ${condition} ORDER BY r.id ${limit}`

  async function* live(): AsyncGenerator<Revocation[], void, undefined> {
    let above = Prisma.sql`true`
    for (;;) {
      const rows = await unexpired(above, Prisma.sql`LIMIT ${page}`)
      yield rows
      const last = rows.at(-1)
      if (last === undefined || rows.length < page) return
      above = Prisma.sql`r.id > ${last.id}`
    }
  }

  return {
    live,
    after: (id, ids) => unexpired(Prisma.sql`(r.id > ${id} OR r.id = ANY (${ids}::bigint[]))`),
    restore: restoreRevocations(database),
    endSessionsUntil: (revocation) => endSessionsUntil(database, revocation)
  }
}
