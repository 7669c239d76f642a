import type { SessionPolicy } from '../../../core/policy.js'
import type { Revocation } from '../../../core/revocation-set.js'
import { type EndedReason, maxSessionsOfUser } from '../../../core/vocabulary.js'
import type { Actor } from '../../../ports/events.js'
import { type Database, query } from '../database.js'
import { Prisma, type PrismaClient } from '../generated/client.js'
import { prepared } from '../prepared-statements.js'
import { tables } from '../tables.js'
import { by, eventTarget } from './audit-events.js'
import { clock, isSpared, revocationColumns, seconds } from './fragments.js'
import { insertNotices, type NoticePolicy } from './mail.js'

/** Verifiers whose clock is behind accept an access token this much longer than it lives. */
const clockSkewSeconds = 60

export type FeedPolicy = Pick<SessionPolicy, 'accessTokenTtlSeconds'>
export type EndingPolicy = FeedPolicy & NoticePolicy

/** How long an entry of the feed lives: until every verifier refuses the session's last access token as expired. */
export const revocationLife = (policy: FeedPolicy) => seconds(policy.accessTokenTtlSeconds + clockSkewSeconds)

/** Runs the statements of a transaction. */
export type Statements = Pick<PrismaClient, '$queryRaw'>

/**
 * Locks the user's row until the transaction ends, against every other change of the user and every login. It must be a
 * statement of its own: the next statement's snapshot then contains what the transactions it waited for have committed.
 * So a login that was in flight is seen, and its session ends.
 */
export function lockUser(prisma: Statements, userId: string | Prisma.Sql) {
  return prisma.$queryRaw`${prepared} SELECT 1 FROM ${tables.user} WHERE id = ${userId}::uuid FOR NO KEY UPDATE`
}

/**
 * Deletes the live or expired sessions `s` for which `which` is true, and writes their revocations and `session_ended`
 * events, all in one statement. `reason` may be an expression that differs from row to row. A login replaces the session
 * `replacedSid`: if that one ends for another reason, it gets the event `replaced` too. The user of a session that ends
 * as `reuse_detected` gets one notice for it, because only one statement deletes its row.
 */
export function endSessions(
  prisma: Statements,
  which: Prisma.Sql,
  ended: {
    readonly reason: EndedReason | Prisma.Sql
    readonly note?: string | undefined
    readonly replacedSid?: string | undefined
  },
  actor: Actor,
  policy: EndingPolicy
) {
  const victims = Prisma.sql`
    FROM ended JOIN ${tables.user} u ON u.id = ended.user_id WHERE ended.reason = 'reuse_detected'`
  return prisma.$queryRaw<Revocation[]>`${prepared}
    WITH ended AS (
      DELETE FROM ${tables.session} s WHERE ${which} AND ${isSpared}
      RETURNING s.id, s.user_id, s.device, (${ended.reason})::text AS reason
    ), noted AS (
      INSERT INTO ${eventTarget}
      SELECT 'session_ended', user_id, id, each_reason, ${ended.note ?? null}::text, ${by(actor)}
      FROM ended, unnest(
        CASE WHEN id = ${ended.replacedSid ?? null}::uuid AND reason <> 'replaced'
          THEN ARRAY[reason, 'replaced'] ELSE ARRAY[reason] END
      ) each_reason
    ), r AS (
      INSERT INTO ${tables.revocation} (sid, reason, expires_at)
      SELECT id, reason, ${clock} + ${revocationLife(policy)} FROM ended
      RETURNING *
    ), queued AS (
      ${insertNotices(policy, 'theft_detected', victims, { actor, device: Prisma.sql`ended.device` })}
    )
    SELECT ${revocationColumns} FROM r`
}

/** A batch of this size ends in well under a second, also on a busy machine. */
const defaultBounds = { max: maxSessionsOfUser, batch: 5000 }

/**
 * Ends the user's oldest sessions above `maxSessionsOfUser`, batch by batch, so that one short transaction can end the
 * others. Such a surplus is only possible after a direct import into the table. `only` is a condition that is checked
 * in each batch, for a caller whose reason to end sessions may be gone meanwhile.
 */
export async function endSurplus(
  database: Database,
  policy: EndingPolicy,
  surplus: { readonly userId: string; readonly keepSid?: string | undefined; readonly only?: Prisma.Sql },
  actor: Actor,
  { max, batch } = defaultBounds
): Promise<readonly Revocation[]> {
  const { userId, keepSid, only = Prisma.sql`true` } = surplus
  const oldest = Prisma.sql`s.id = ANY (ARRAY(
    SELECT s.id FROM ${tables.session} s
    WHERE s.user_id = ${userId}::uuid AND s.id IS DISTINCT FROM ${keepSid ?? null}::uuid AND ${isSpared} AND ${only}
    ORDER BY s.created_at DESC, s.id DESC OFFSET ${max} LIMIT ${batch}
  ))`
  const all: Revocation[] = []
  let ended: readonly Revocation[]
  do {
    ended = await database.run((prisma) => endSessions(prisma, oldest, { reason: 'session_limit' }, actor, policy))
    all.push(...ended)
  } while (ended.length === batch)
  return all
}

/**
 * Writes entries of the feed again, after their commit. These entries refuse tokens that were issued before them. A
 * refresh that read its row just before the commit can issue a token with the old roles, or of a session that has
 * ended, whose `iat` is later than the entry's `at`. It is not later than the second entry's.
 */
export function repeatAfterCommit(
  database: Database,
  revocations: readonly Revocation[],
  policy: FeedPolicy
): Promise<Revocation[]> {
  const ids = Prisma.join(revocations.map(({ id }) => id))
  return query<Revocation>(database)`
    WITH r AS (
      INSERT INTO ${tables.revocation} (sid, reason, expires_at)
      SELECT sid, reason, ${clock} + ${revocationLife(policy)} FROM ${tables.revocation} WHERE id IN (${ids})
      RETURNING *
    )
    SELECT ${revocationColumns} FROM r`
}
