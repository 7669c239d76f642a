import type { SessionPolicy } from '../../../core/policy.js'
import type { EndedReason } from '../../../core/reasons.js'
import type { Revocation } from '../../../core/revocation.js'
import type { Actor } from '../../../ports/events.js'
import type { Database } from '../database.js'
import { Prisma, type PrismaClient } from '../generated/client.js'
import { clock, revocationColumns, seconds } from './session-rows.js'

/** An access token is refused for its whole life, and for this much longer by verifiers whose clock is behind. */
const clockSkewSeconds = 60

export type EndingPolicy = Pick<SessionPolicy, 'accessTokenTtlSeconds'>

/** How long an entry of the feed lasts from when it is written. */
export const revocationLife = (policy: EndingPolicy) => seconds(policy.accessTokenTtlSeconds + clockSkewSeconds)

/** The columns of an event of which `by` gives the last three. */
export const eventTarget = Prisma.sql`event (type, user_id, session_id, reason, note, actor_id, ip, user_agent)`

/** Who did it and from where, for `eventTarget`. */
export const by = (actor: Actor) =>
  Prisma.sql`${actor.userId ?? null}::uuid, ${actor.ip ?? null}::text, ${actor.userAgent ?? null}::text`

/**
 * Holds the user's row to the end of the transaction, against every other change of the user and
 * every login. It is a statement of its own, so that the next one's snapshot holds what those whom
 * it waited for have committed: a login that was in flight is seen, and its session ends.
 */
export function lockUser(prisma: PrismaClient, userId: string) {
  return prisma.$queryRaw`SELECT 1 FROM "user" WHERE id = ${userId}::uuid FOR NO KEY UPDATE`
}

/**
 * Deletes the sessions `s` of which `which` is true, with their revocations and `session_ended`
 * events, all in one statement. `reason` may differ from row to row.
 */
export function endSessions(
  prisma: PrismaClient,
  which: Prisma.Sql,
  ended: { readonly reason: EndedReason | Prisma.Sql; readonly note?: string | undefined },
  actor: Actor,
  policy: EndingPolicy
) {
  return prisma.$queryRaw<Revocation[]>`
    WITH ended AS (
      DELETE FROM session s WHERE ${which} RETURNING s.id, s.user_id, (${ended.reason})::text AS reason
    ), noted AS (
      INSERT INTO ${eventTarget}
      SELECT 'session_ended', user_id, id, reason, ${ended.note ?? null}::text, ${by(actor)} FROM ended
    ), r AS (
      INSERT INTO revocation (sid, reason, expires_at)
      SELECT id, reason, ${clock} + ${revocationLife(policy)} FROM ended
      RETURNING *
    )
    SELECT ${revocationColumns} FROM r`
}

/**
 * Writes entries of the feed that judge tokens by the time of issue once more, after their commit.
 * A refresh that read its row in the moment before the commit carries the old roles, or belongs to a
 * session that has gone, under an `iat` later than the entry's `at`; it is not later than this one's.
 */
export function repeatAfterCommit(
  database: Database,
  revocations: readonly Revocation[],
  policy: EndingPolicy
): Promise<Revocation[]> {
  const ids = Prisma.join(revocations.map(({ id }) => id))
  return database.run(
    (prisma) => prisma.$queryRaw<Revocation[]>`
      WITH r AS (
        INSERT INTO revocation (sid, reason, expires_at)
        SELECT sid, reason, ${clock} + ${revocationLife(policy)} FROM revocation WHERE id IN (${ids})
        RETURNING *
      )
      SELECT ${revocationColumns} FROM r`
  )
}
