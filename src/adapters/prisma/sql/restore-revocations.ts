import type { Revocation } from '../../../core/revocation-set.js'
import type { RevocationLog } from '../../../ports/revocations.js'
import type { Database } from '../database.js'
import type { PrismaClient } from '../generated/client.js'
import { tables } from '../tables.js'
import { by, eventTarget } from './audit-events.js'
import { revocationColumns } from './fragments.js'
import { lockName } from './named-lock.js'

/** A batch of this size ends in well under a second, also on a busy machine. */
const defaultBatch = 500

/**
 * `RevocationLog.restore`, batch by batch. The instances of a service all notice a failover at the same moment, so they
 * do it one after the other, and each sees what the others have committed.
 */
export function restoreRevocations(database: Database, batch = defaultBatch): RevocationLog['restore'] {
  return async (lost) => {
    const restored: Revocation[] = []
    for (let from = 0; from < lost.length; from += batch) {
      const some = lost.slice(from, from + batch)
      const [, written] = await database.run((prisma) =>
        prisma.$transaction([lockName(prisma, 'lost_revocations'), restoreBatch(prisma, some)])
      )
      restored.push(...written)
    }
    return restored
  }
}

/** Sessions are locked in the order of their ids, as the batches of refreshes are, so that neither blocks the other. */
function restoreBatch(prisma: Pick<PrismaClient, '$queryRaw'>, lost: readonly Revocation[]) {
  const times = (of: (revocation: Revocation) => number) => lost.map((entry) => new Date(of(entry)).toISOString())
  return prisma.$queryRaw<Revocation[]>`
    WITH lost AS (
      SELECT DISTINCT * FROM unnest(
        ${lost.map(({ sid }) => sid)}::uuid[], ${lost.map(({ reason }) => reason)}::text[],
        ${times(({ at }) => at)}::timestamptz[], ${times(({ expiresAt }) => expiresAt)}::timestamptz[]
      ) AS l(sid, reason, at, expires_at)
    ), back AS (
      SELECT s.id FROM ${tables.session} s
      WHERE s.id = ANY (ARRAY(SELECT sid FROM lost WHERE reason <> 'roles_changed')) ORDER BY s.id FOR UPDATE
    ), gone AS (
      DELETE FROM ${tables.session} s WHERE s.id = ANY (ARRAY(SELECT id FROM back)) RETURNING s.id, s.user_id
    ), secrets AS (
      DELETE FROM ${tables.clientSecret} c WHERE c.id = ANY (ARRAY(SELECT sid FROM lost WHERE reason = 'secret_deleted'))
    ), ended AS (
      INSERT INTO ${eventTarget}
      SELECT 'session_ended', g.user_id, g.id,
        (SELECT min(l.reason) FROM lost l WHERE l.sid = g.id AND l.reason <> 'roles_changed'), NULL, ${by({})} FROM gone g
    ), everybody AS (
      INSERT INTO ${eventTarget}
      SELECT 'everybody_revoked', NULL, NULL, min(l.reason), NULL, ${by({})} FROM lost l WHERE l.sid IS NULL
      HAVING count(*) > 0 AND NOT EXISTS (SELECT 1 FROM ${tables.event} e WHERE e.type = 'everybody_revoked' AND e.at >= min(l.at))
    ), r AS (
      INSERT INTO ${tables.revocation} (sid, reason, at, expires_at)
      SELECT l.sid, l.reason, l.at, l.expires_at FROM lost l
      WHERE NOT EXISTS (
        SELECT 1 FROM ${tables.revocation} k
        WHERE k.at = l.at AND k.reason = l.reason AND (k.sid = l.sid OR (k.sid IS NULL AND l.sid IS NULL))
      )
      RETURNING *
    )
    SELECT ${revocationColumns} FROM r`
}
