import type { Actor, EventType } from '../../../ports/events.js'
import type { Replacement, SessionStore } from '../../../ports/sessions.js'
import type { Database } from '../database.js'
import { Prisma, type PrismaClient } from '../generated/client.js'
import { tables } from '../tables.js'
import { by, eventTarget } from './audit-events.js'
import { type EndingPolicy, endSessions, lockUser } from './end-sessions.js'
import { authenticatedAt, clock, seconds } from './fragments.js'
import { type ClaimPolicy, isLive, type LiveRow, liveColumns, toLiveSession } from './live-sessions.js'

/** `SessionStore.replace`: the new session is added first, and the old one ends only if that succeeded. */
export function replaceSession(database: Database, policy: EndingPolicy & ClaimPolicy): SessionStore['replace'] {
  return async (replacement, { userId, passwordHash }, actor) => {
    const isProved = Prisma.sql`u.id = ${userId}::uuid AND ${hasHash(passwordHash)}`
    const { replaces, replacedReason: reason = 'replaced' } = replacement
    const replaced = Prisma.sql`s.id = ${replaces}::uuid AND ${isAdded(replacement)}`
    const [, [row], revocations] = await database.run((prisma) =>
      prisma.$transaction([
        lockUser(prisma, userId),
        addReplacement(prisma, replacement, isProved, 'reauthenticated', actor, policy, reasonOf(passwordHash)),
        endSessions(prisma, replaced, { reason, replacedSid: replaces }, actor, policy)
      ])
    )
    return row && { session: toLiveSession(row), revocations }
  }
}

/** Whether a `"user" u` still has the password that was proved. Null: a host has proved the identity instead. */
export const hasHash = (passwordHash: string | null) =>
  passwordHash === null ? Prisma.sql`true` : Prisma.sql`u.password_hash = ${passwordHash}`

/** The reason of the event of a login. */
export const reasonOf = (passwordHash: string | null) => (passwordHash === null ? 'host' : null)

/**
 * Adds the session that replaces another session of a user `u`, if `isProved` and the other session is live. It locks the
 * other session's row: it sees a simultaneous refresh, and a simultaneous end wins. The new session keeps the time of the
 * login, so a simultaneous end of everybody's sessions ends it too.
 */
export function addReplacement(
  prisma: PrismaClient,
  { id, replaces, secretHash, amr, authTime, userAgent, ip, idleTtlSeconds }: Replacement,
  isProved: Prisma.Sql,
  event: EventType,
  actor: Actor,
  policy: ClaimPolicy,
  reason: string | null = null
) {
  return prisma.$queryRaw<LiveRow[]>`
    WITH old AS (
      SELECT s.* FROM ${tables.session} s JOIN ${tables.user} u ON u.id = s.user_id
      WHERE s.id = ${replaces}::uuid AND ${isLive} AND ${isProved} AND u.disabled_at IS NULL
      FOR UPDATE OF s
    ), s AS (
      INSERT INTO ${tables.session} (
        id, user_id, mode, secret_hash, device, user_agent, ip, amr, auth_time, created_at, idle_expires_at, absolute_expires_at
      )
      SELECT ${id}::uuid, old.user_id, old.mode, ${secretHash}, old.device, ${userAgent}, ${ip},
        ARRAY(SELECT DISTINCT method FROM unnest(old.amr || ${[...amr]}::text[]) method ORDER BY method), greatest(old.auth_time, ${authenticatedAt({ authTime })}),
        old.created_at,
        least(${clock} + ${seconds(idleTtlSeconds)}, old.absolute_expires_at), old.absolute_expires_at
      FROM old
      RETURNING *
    ), noted AS (
      INSERT INTO ${eventTarget} SELECT ${event}, s.user_id, s.id, ${reason}::text, NULL, ${by(actor)} FROM s
    )
    SELECT ${liveColumns(policy)}, ${clock} AS now FROM s JOIN ${tables.user} u ON u.id = s.user_id`
}

/** Whether `addReplacement` has added the session in this transaction. */
export const isAdded = ({ id }: Pick<Replacement, 'id'>) =>
  Prisma.sql`EXISTS (SELECT 1 FROM ${tables.session} added WHERE added.id = ${id}::uuid)`
