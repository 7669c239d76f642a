import type { ClaimedMail, MailBacklog, Outbox } from '../../../ports/mail.js'
import { type Database, execute, query } from '../database.js'
import { by, eventTarget } from '../sql/audit-events.js'
import { clock, seconds } from '../sql/fragments.js'
import { tables } from '../tables.js'

type ClaimedRow = Omit<ClaimedMail, 'link'> & {
  readonly linkId: string | null
  readonly purpose: NonNullable<Exclude<ClaimedMail['link'], 'dead'>>['purpose'] | null
  readonly tokenHash: string | null
}

/** The backlog is counted no further than this, so that counting has a bounded cost. */
const maxCounted = 10_000

/**
 * The outbox in PostgreSQL. A claim moves the next attempt ahead instead of holding a lock, so that no connection is kept
 * while a mail is sent; the number of the attempt then names the claim.
 */
export function prismaOutbox(database: Database): Outbox {
  return {
    async claim(max, leaseSeconds) {
      const rows = await query<ClaimedRow>(database)`
        WITH due AS (
          SELECT d.id FROM ${tables.mail} d WHERE d.next_attempt_at <= ${clock}
          ORDER BY d.next_attempt_at LIMIT ${max} FOR UPDATE SKIP LOCKED
        ), m AS (
          UPDATE ${tables.mail} m SET attempts = m.attempts + 1, next_attempt_at = ${clock} + ${seconds(leaseSeconds)}
          WHERE m.id = ANY (ARRAY(SELECT id FROM due))
          RETURNING m.*
        ), l AS (
          UPDATE ${tables.oneTimeLink} l SET expires_at = ${clock} + l.life_seconds * interval '1 second'
          WHERE l.id = ANY (ARRAY(SELECT link_id FROM m WHERE link_id IS NOT NULL))
          RETURNING l.id, l.purpose, l.token_hash
        )
        SELECT m.id, m.kind, m.user_id AS "userId", m.recipient, m.locale, m.parameters, m.created_at AS "createdAt",
          m.attempts, extract(epoch FROM ${clock} - m.created_at)::float8 AS "ageSeconds",
          m.link_id AS "linkId", l.purpose, l.token_hash AS "tokenHash"
        FROM m LEFT JOIN l ON l.id = m.link_id ORDER BY m.created_at`
      return rows.map(toClaimedMail)
    },

    async finish({ id, attempts }, outcome, error) {
      await execute(database)`
        WITH done AS (
          UPDATE ${tables.mail} m
          SET next_attempt_at = NULL, done_at = ${clock}, outcome = ${outcome}, last_error = ${error ?? null}
          WHERE m.id = ${id}::uuid AND m.attempts = ${attempts} AND m.done_at IS NULL
          RETURNING m.user_id, m.kind, m.outcome
        )
        INSERT INTO ${eventTarget}
        SELECT CASE outcome WHEN 'bounced' THEN 'mail_bounced' ELSE 'mail_given_up' END, user_id, NULL::uuid, kind, NULL, ${by({})}
        FROM done WHERE outcome IN ('bounced', 'given_up')`
    },

    async retry({ id, attempts }, pauseSeconds, error) {
      await execute(database)`
        UPDATE ${tables.mail} SET next_attempt_at = ${clock} + ${seconds(pauseSeconds)}, last_error = ${error}
        WHERE id = ${id}::uuid AND attempts = ${attempts} AND done_at IS NULL`
    },

    async backlog() {
      const [backlog] = await query<MailBacklog>(database)`
        SELECT count(*)::float8 AS pending,
          coalesce(extract(epoch FROM ${clock} - min(created_at)), 0)::float8 AS "oldestSeconds"
        FROM (SELECT created_at FROM ${tables.mail} WHERE next_attempt_at IS NOT NULL LIMIT ${maxCounted}) waiting`
      return backlog ?? { pending: 0, oldestSeconds: 0 }
    }
  }
}

function toClaimedMail({ linkId, purpose, tokenHash, ...mail }: ClaimedRow): ClaimedMail {
  if (linkId === null) return { ...mail, link: null }
  return { ...mail, link: purpose === null || tokenHash === null ? 'dead' : { id: linkId, purpose, tokenHash } }
}
