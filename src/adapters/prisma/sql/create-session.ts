import { maxSessionsOfUser } from '../../../core/vocabulary.js'
import type { SessionStore } from '../../../ports/sessions.js'
import type { Database } from '../database.js'
import { Prisma } from '../generated/client.js'
import { prepared } from '../prepared-statements.js'
import { tables } from '../tables.js'
import { by, eventTarget } from './audit-events.js'
import { type EndingPolicy, endSessions, lockUser } from './end-sessions.js'
import { authenticatedAt, clock, createdNow, seconds } from './fragments.js'
import { type ClaimPolicy, isLive, type LiveRow, liveColumns, toLiveSession } from './live-sessions.js'
import { insertNotices } from './mail.js'
import { hasHash, reasonOf } from './replace-session.js'

/** A login ends no more sessions than this, to stay quick. If a limit was lowered, later logins end the rest. */
const maxEndedByLogin = 1000

/**
 * `SessionStore.create`. It locks the user's row: other logins of the user wait, so that the limit is exact, and so does
 * everything that ends the user's sessions. What the login proved is checked again under the lock.
 */
export function createSession(database: Database, policy: EndingPolicy & ClaimPolicy): SessionStore['create'] {
  return async (session, conditions, actor) => {
    const { passwordHash, maxPerUser, replaces, replacedReason = 'replaced', isNewDevice = false } = conditions
    const replaced = Prisma.sql`${replaces ?? null}::uuid`
    const owner = Prisma.sql`u.id = ${session.userId}::uuid AND ${hasHash(passwordHash)} AND u.disabled_at IS NULL`

    const newest = Prisma.sql`
      SELECT s.* FROM ${tables.session} s WHERE s.user_id = ${session.userId}::uuid
      ORDER BY s.created_at DESC, s.id DESC LIMIT ${maxSessionsOfUser}`
    const surplus = Prisma.sql`
      SELECT s.id, s.created_at FROM (${newest}) s
      WHERE ${isLive} AND s.id IS DISTINCT FROM ${replaced} AND EXISTS (SELECT 1 FROM ${tables.user} u WHERE ${owner})
      ORDER BY s.created_at DESC, s.id DESC OFFSET ${maxPerUser - 1}`
    // PostgreSQL computes the array first and once, so it always finds the rows to delete by primary key.
    const surplusOrReplaced = Prisma.sql`s.id = ANY (ARRAY(
      SELECT ${replaced} FROM ${tables.user} u WHERE ${owner}
      UNION ALL (SELECT id FROM (${surplus}) surplus ORDER BY created_at, id LIMIT ${maxEndedByLogin})
    ))`
    const ofNewDevice = Prisma.sql`
      FROM s JOIN ${tables.user} u ON u.id = s.user_id
      WHERE ${isNewDevice}::boolean AND u.has_signed_in AND NOT u.profile @> '{"notices": {"new_device": false}}'`
    const reason = Prisma.sql`CASE WHEN s.id = ${replaced} THEN ${replacedReason} ELSE 'session_limit' END`

    const [, revocations, [row]] = await database.run((prisma) =>
      prisma.$transaction([
        lockUser(prisma, session.userId),
        endSessions(prisma, surplusOrReplaced, { reason, replacedSid: replaces }, actor, policy),
        prisma.$queryRaw<LiveRow[]>`${prepared}
          WITH s AS (
            INSERT INTO ${tables.session} (
              id, user_id, mode, secret_hash, device, user_agent, ip, amr, auth_time, created_at, idle_expires_at, absolute_expires_at
            )
            SELECT ${session.id}::uuid, u.id, ${session.mode}, ${session.secretHash}, ${session.device},
              ${session.userAgent}, ${session.ip}, ${[...session.amr]}::text[], ${authenticatedAt(session)}, ${createdNow},
              ${clock} + ${seconds(Math.min(session.idleTtlSeconds, session.absoluteTtlSeconds))},
              ${clock} + ${seconds(session.absoluteTtlSeconds)}
            FROM ${tables.user} u WHERE ${owner}
            RETURNING *
          ), noted AS (
            INSERT INTO ${eventTarget} SELECT 'login_succeeded', s.user_id, s.id, ${reasonOf(passwordHash)}::text, NULL, ${by(actor)} FROM s
          ), queued AS (
            ${insertNotices(policy, 'new_device', ofNewDevice, { actor, device: Prisma.sql`s.device` })}
          ), marked AS (
            UPDATE ${tables.user} u SET has_signed_in = true, awaits_confirmation = false
            FROM s WHERE u.id = s.user_id AND (NOT u.has_signed_in OR u.awaits_confirmation)
          )
          SELECT ${liveColumns(policy)}, ${clock} AS now FROM s JOIN ${tables.user} u ON u.id = s.user_id`
      ])
    )
    return row === undefined ? 'user_changed' : { session: toLiveSession(row), revocations }
  }
}
