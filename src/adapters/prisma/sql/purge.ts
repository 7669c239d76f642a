import type { SessionPolicy } from '../../../core/policy.js'
import type { Database } from '../database.js'
import { eventTarget } from './ending-sessions.js'
import { beforeAnySession, clock, seconds } from './session-rows.js'

/** What one batch removed, and the session after which the next one starts; null once all have been looked at. */
export interface Purged {
  readonly sessions: number
  readonly revocations: number
  readonly events: number
  readonly next: string | null
}

const day = 86_400

/**
 * How long events are kept: as long as a client may come back with a token of a session that ended,
 * and 30 days more for whoever reads the log.
 */
export const eventRetentionSeconds = (policy: Pick<SessionPolicy, 'refreshAbsoluteTtlSeconds'>) =>
  policy.refreshAbsoluteTtlSeconds + 30 * day

/**
 * Removes what is past its time: of the `batch` sessions after `after`, those past an end, with their
 * `session_ended` events; at most `batch` expired revocations and as many old events. Sessions are
 * walked by primary key, since an index on their moving ends would cost every refresh. Instances may
 * run it side by side; it waits for nobody.
 */
export async function purgeExpired(
  database: Database,
  options: { readonly batch: number; readonly eventRetentionSeconds: number; readonly after?: string | undefined }
): Promise<Purged> {
  const { batch, after = beforeAnySession } = options
  const [walked] = await database.run(
    (prisma) => prisma.$queryRaw<{ readonly ended: number; readonly last: string | null; readonly looked: number }[]>`
      WITH walked AS (
        SELECT s.id FROM session s WHERE s.id > ${after}::uuid ORDER BY s.id LIMIT ${batch}
      ), expired AS (
        SELECT s.id FROM session s
        WHERE s.id = ANY (ARRAY(SELECT id FROM walked))
          AND (s.idle_expires_at <= ${clock} OR s.absolute_expires_at <= ${clock})
        FOR UPDATE SKIP LOCKED
      ), ended AS (
        DELETE FROM session s WHERE s.id = ANY (ARRAY(SELECT id FROM expired))
        RETURNING s.id, s.user_id,
          CASE WHEN s.absolute_expires_at <= ${clock} THEN 'absolute_timeout' ELSE 'idle_timeout' END AS reason
      ), noted AS (
        INSERT INTO ${eventTarget}
        SELECT 'session_ended', user_id, id, reason, NULL, NULL, NULL, NULL FROM ended
      )
      SELECT (SELECT count(*)::float8 FROM ended) AS ended, (SELECT count(*)::float8 FROM walked) AS looked,
        (SELECT id FROM walked ORDER BY id DESC LIMIT 1) AS last`
  )
  const revocations = await database.run(
    (prisma) => prisma.$executeRaw`
      DELETE FROM revocation WHERE id = ANY (ARRAY(
        SELECT id FROM revocation WHERE expires_at <= ${clock} ORDER BY expires_at LIMIT ${batch} FOR UPDATE SKIP LOCKED
      ))`
  )
  const events = await database.run(
    (prisma) => prisma.$executeRaw`
      DELETE FROM event WHERE id = ANY (ARRAY(
        SELECT id FROM event WHERE at <= ${clock} - ${seconds(options.eventRetentionSeconds)}
        ORDER BY at LIMIT ${batch} FOR UPDATE SKIP LOCKED
      ))`
  )
  const more = walked !== undefined && walked.looked === batch
  return { sessions: walked?.ended ?? 0, revocations, events, next: more ? walked.last : null }
}
