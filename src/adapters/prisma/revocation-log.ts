import type { Revocation } from '../../core/revocation.js'
import type { Database } from './database.js'
import { Prisma } from './generated/client.js'
import { clock, revocationColumns, seconds } from './session-rows.js'

/** The revocations as the database keeps them, for whoever holds the live ones in memory. */
export interface RevocationLog {
  /** All that have not expired, in the order of their ids. */
  live(): Promise<Revocation[]>
  /** Those that have not expired and whose id is above `id`, in the order of their ids. */
  after(id: bigint): Promise<Revocation[]>
  /**
   * Those that have not expired and that a reader who has seen `id` may not have seen, in the order
   * of their ids. Ids are given out before the commit, so an entry can appear after a later one: what
   * was written shortly before `id` comes again. Where `id` is not there any more, or is one of a
   * database that was restored from an older backup since, all of them come.
   */
  since(id: bigint): Promise<Revocation[]>
}

/** No statement that writes a revocation takes longer than this from its beginning to its commit. */
export const slowestCommitSeconds = 60

export function prismaRevocationLog(database: Database): RevocationLog {
  const unexpired = (condition: Prisma.Sql) =>
    database.run(
      (prisma) => prisma.$queryRaw<Revocation[]>`
        SELECT ${revocationColumns} FROM revocation r WHERE r.expires_at > ${clock} AND ${condition} ORDER BY r.id`
    )
  return {
    live: () => unexpired(Prisma.sql`true`),
    after: (id) => unexpired(Prisma.sql`r.id > ${id}`),
    since: (id) =>
      unexpired(Prisma.sql`(
        r.id > ${id}
        OR r.at >= coalesce((SELECT seen.at FROM revocation seen WHERE seen.id = ${id}), '-infinity') - ${seconds(slowestCommitSeconds)}
      )`)
  }
}
