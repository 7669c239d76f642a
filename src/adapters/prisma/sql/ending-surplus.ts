import type { Revocation } from '../../../core/revocation.js'
import type { Actor } from '../../../ports/events.js'
import type { Database } from '../database.js'
import { Prisma } from '../generated/client.js'
import { type EndingPolicy, endSessions } from './ending-sessions.js'

/**
 * No user holds more by any setting: the highest value of `MAX_SESSIONS_PER_USER`. What lists or ends a
 * user's sessions in one statement is bounded by it, whatever the table holds.
 */
export const mostSessionsOfUser = 10_000

/** So many end in well under a second, also where the machine is busy. */
const usualBounds = { most: mostSessionsOfUser, batch: 5000 }

/**
 * Ends what a user has above `mostSessionsOfUser`, batch by batch, so that one short transaction can do
 * the rest. There is none but by another's hand, such as an import. `only` narrows it to nothing where
 * the reason for it may have gone meanwhile.
 */
export async function endSurplus(
  database: Database,
  policy: EndingPolicy,
  surplus: { readonly userId: string; readonly keepSid?: string | undefined; readonly only?: Prisma.Sql },
  actor: Actor,
  { most, batch } = usualBounds
): Promise<readonly Revocation[]> {
  const { userId, keepSid, only = Prisma.sql`true` } = surplus
  const oldest = Prisma.sql`s.id = ANY (ARRAY(
    SELECT s.id FROM session s
    WHERE s.user_id = ${userId}::uuid AND s.id IS DISTINCT FROM ${keepSid ?? null}::uuid AND ${only}
    ORDER BY s.created_at DESC, s.id DESC OFFSET ${most} LIMIT ${batch}
  ))`
  const all: Revocation[] = []
  let ended: readonly Revocation[]
  do {
    ended = await database.run((prisma) => endSessions(prisma, oldest, { reason: 'session_limit' }, actor, policy))
    all.push(...ended)
  } while (ended.length === batch)
  return all
}
