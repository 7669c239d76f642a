import { mailLifeSeconds } from '../../../../core/mail.js'
import type { SessionPolicy } from '../../../../core/policy.js'
import { failureRetentionSeconds } from '../../../../core/rate-limits.js'
import { type Database, execute, query } from '../../database.js'
import { tables } from '../../tables.js'
import { eventTarget } from '../audit-events.js'
import { beforeAnySession, clock, isSpared, seconds } from '../fragments.js'
import { isLive } from '../live-sessions.js'
import { purgeRegistrations } from './purge-registrations.js'

interface Walked {
  readonly looked: number
  readonly ended: number
  readonly last: string | null
}

const day = 86_400

/** Mails are kept for admins, who are asked what became of them. */
const mailRetentionSeconds = 7 * day

/**
 * How long events are kept: as long as a client may still present a token of an ended session, and 30 days more for
 * people who read the log.
 */
export const eventRetentionSeconds = (policy: Pick<SessionPolicy, 'refreshAbsoluteTtlSeconds'>) =>
  policy.refreshAbsoluteTtlSeconds + 30 * day

/**
 * Removes the rows of ended sessions among the `batch` sessions after `after`: expired ones, for which it writes
 * `session_ended` events, and those of the last end of everybody's sessions, which has an event already. Removes at
 * most `batch` each of expired revocations, old events, wrong passwords and requests for mails in the event log
 * (`failures`), rows of wrong guesses, dead links, registrations that were never confirmed, and old mails. It walks sessions
 * by primary key: an index on their ends, which move, would slow down every refresh. Instances may run it at the same
 * time: it skips locked rows. Returns how many rows of each kind it removed; the session `next`, after which the next
 * batch starts, is null after the last batch.
 */
export async function purgeExpired(
  database: Database,
  options: { readonly batch: number; readonly eventRetentionSeconds: number; readonly after?: string | undefined }
) {
  const { batch, after = beforeAnySession } = options
  const [walked] = await query<Walked>(database)`
    WITH walked AS (
      SELECT s.id FROM ${tables.session} s WHERE s.id > ${after}::uuid ORDER BY s.id LIMIT ${batch}
    ), expired AS (
      SELECT s.id FROM ${tables.session} s WHERE s.id = ANY (ARRAY(SELECT id FROM walked)) AND NOT ${isLive}
      FOR UPDATE SKIP LOCKED
    ), ended AS (
      DELETE FROM ${tables.session} s WHERE s.id = ANY (ARRAY(SELECT id FROM expired))
      RETURNING s.id, s.user_id, s.created_at, s.absolute_expires_at
    ), noted AS (
      INSERT INTO ${eventTarget}
      SELECT 'session_ended', s.user_id, s.id,
        CASE WHEN s.absolute_expires_at <= ${clock} THEN 'absolute_timeout' ELSE 'idle_timeout' END,
        NULL, NULL, NULL, NULL
      FROM ended s WHERE ${isSpared}
    )
    SELECT (SELECT count(*)::float8 FROM ended) AS ended, (SELECT count(*)::float8 FROM walked) AS looked,
      (SELECT id FROM walked ORDER BY id DESC LIMIT 1) AS last`
  const revocations = await execute(database)`
    DELETE FROM ${tables.revocation} WHERE id = ANY (ARRAY(
      SELECT id FROM ${tables.revocation} WHERE expires_at <= ${clock} ORDER BY expires_at LIMIT ${batch} FOR UPDATE SKIP LOCKED
    ))`
  const events = await execute(database)`
    DELETE FROM ${tables.event} WHERE id = ANY (ARRAY(
      SELECT id FROM ${tables.event} WHERE at <= ${clock} - ${seconds(options.eventRetentionSeconds)}
      ORDER BY at LIMIT ${batch} FOR UPDATE SKIP LOCKED
    ))`
  // The oldest rows by id: a condition on the time alone would read all rows of the type.
  const failures = await execute(database)`
    DELETE FROM ${tables.event} WHERE id = ANY (ARRAY(
      SELECT id FROM ${tables.event} WHERE id = ANY (ARRAY(
        (SELECT id FROM ${tables.event} WHERE type = 'login_failed' ORDER BY id LIMIT ${batch})
        UNION ALL (SELECT id FROM ${tables.event} WHERE type = 'password_refused' ORDER BY id LIMIT ${batch})
        UNION ALL (SELECT id FROM ${tables.event} WHERE type = 'password_reset_requested' ORDER BY id LIMIT ${batch})
        UNION ALL (SELECT id FROM ${tables.event} WHERE type = 'email_verification_requested' ORDER BY id LIMIT ${batch})
      )) AND at <= ${clock} - ${seconds(failureRetentionSeconds)} LIMIT ${batch} FOR UPDATE SKIP LOCKED
    ))`
  await execute(database)`
    DELETE FROM ${tables.guessRun} WHERE key = ANY (ARRAY(
      SELECT key FROM ${tables.guessRun} WHERE expires_at <= ${clock} ORDER BY expires_at LIMIT ${batch} FOR UPDATE SKIP LOCKED
    ))`
  await purgeRegistrations(database, batch)
  // The life of a link begins when its mail is sent, within a day, so a dead link is kept for two days more.
  await execute(database)`
    DELETE FROM ${tables.oneTimeLink} WHERE id = ANY (ARRAY(
      SELECT id FROM ${tables.oneTimeLink} WHERE expires_at <= ${clock} - ${seconds(2 * mailLifeSeconds)}
      ORDER BY expires_at LIMIT ${batch} FOR UPDATE SKIP LOCKED
    ))`
  await execute(database)`
    DELETE FROM ${tables.mail} WHERE id = ANY (ARRAY(
      SELECT id FROM ${tables.mail} WHERE done_at <= ${clock} - ${seconds(mailRetentionSeconds)}
      ORDER BY done_at LIMIT ${batch} FOR UPDATE SKIP LOCKED
    ))`
  const more = walked !== undefined && walked.looked === batch
  // Of instances that have stopped.
  if (!more) {
    await execute(database)`DELETE FROM ${tables.readinessProbe} WHERE at <= ${clock} - ${seconds(day)}`
  }
  return { sessions: walked?.ended ?? 0, revocations, events, failures, next: more ? walked.last : null }
}
