import type { Revocation } from '../../../core/revocation-set.js'
import { maxCountedRevoked } from '../../../core/vocabulary.js'
import type { Actor } from '../../../ports/events.js'
import type { SessionStore } from '../../../ports/sessions.js'
import { type Database, execute, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { tables } from '../tables.js'
import { by, eventTarget } from './audit-events.js'
import { type FeedPolicy, revocationLife } from './end-sessions.js'
import { clock, revocationColumns, timestamp } from './fragments.js'

/** The moment up to which sessions have ended, and the moment before it, in milliseconds. */
interface Moment {
  readonly at: number
  readonly previousAt: number | null
}

/**
 * `SessionStore.endAll`, at a bounded cost for a table of any size:
 * 1. Move the moment in `everybody_revoked`. It ends every session that was created up to then (`isSpared`). The same
 *    statement writes the event, and a revocation that refuses every access token.
 * 2. Write the revocation again: a refresh that read its row just before the commit can issue an access token whose `iat`
 *    is later than the first revocation.
 *
 * The purge deletes the rows. If this process dies between the steps, the purge of any instance does the second one too
 * (`finishEndOfAll`).
 */
export function endAllSessions(database: Database, policy: FeedPolicy): SessionStore['endAll'] {
  return async (actor) => {
    const moment = await moveMoment(database, policy, actor)
    const revocation = await repeatRevocation(database, policy, moment)
    return { revocation, count: await countEnded(database, moment) }
  }
}

const revocationOfAll = (policy: FeedPolicy) => Prisma.sql`
  INSERT INTO ${tables.revocation} (reason, expires_at) SELECT 'revoked_by_admin', ${clock} + ${revocationLife(policy)}`

async function moveMoment(database: Database, policy: FeedPolicy, actor: Actor): Promise<Moment> {
  // Later than the moment before, also if the database's clock was set back: sessions were created after that moment.
  const [moment] = await query<Moment>(database)`
    WITH previous AS (
      SELECT (SELECT e.at FROM ${tables.everybodyRevoked} e) AS at
    ), moved AS (
      INSERT INTO ${tables.everybodyRevoked} AS e (id, at) VALUES (1, ${clock})
      ON CONFLICT (id) DO UPDATE SET at = greatest(excluded.at, e.at + interval '1 millisecond'), repeated = false
      RETURNING e.at
    ), noted AS (
      INSERT INTO ${eventTarget} VALUES ('everybody_revoked', NULL, NULL, 'revoked_by_admin', NULL, ${by(actor)})
    ), r AS (
      ${revocationOfAll(policy)}
    )
    SELECT moved.at, previous.at AS "previousAt" FROM moved, previous`
  if (moment === undefined) throw new Error('Ending all sessions moved no moment.')
  return moment
}

async function repeatRevocation(database: Database, policy: FeedPolicy, { at }: Moment): Promise<Revocation> {
  const [revocation] = await query<Revocation>(database)`
    WITH done AS (
      UPDATE ${tables.everybodyRevoked} e SET repeated = true WHERE e.at = ${timestamp(at)}
    ), r AS (
      ${revocationOfAll(policy)} RETURNING *
    )
    SELECT ${revocationColumns} FROM r`
  if (revocation === undefined) throw new Error('Ending all sessions wrote no revocation.')
  return revocation
}

/** Does the second step of an `endAllSessions` whose process died before it. */
export async function finishEndOfAll(database: Database, policy: FeedPolicy): Promise<void> {
  await execute(database)`
    WITH unfinished AS (
      UPDATE ${tables.everybodyRevoked} e SET repeated = true
      WHERE NOT e.repeated AND e.at <= ${clock} - interval '10 seconds'
      RETURNING 1
    )
    ${revocationOfAll(policy)} FROM unfinished`
}

/** `RevocationLog.endSessionsUntil`: moves the moment to the time of `revocation`, unless it is later already. */
export async function endSessionsUntil(database: Database, { at }: Pick<Revocation, 'at'>): Promise<void> {
  await execute(database)`
    INSERT INTO ${tables.everybodyRevoked} AS e (id, at, repeated) VALUES (1, ${timestamp(at)}, true)
    ON CONFLICT (id) DO UPDATE SET at = excluded.at, repeated = true WHERE e.at < excluded.at`
}

/** How many live sessions ended at the moment. It looks at the newest rows only, so that it is quick in a large table. */
async function countEnded(database: Database, { at, previousAt }: Moment): Promise<number> {
  const [row] = await query<{ readonly count: number }>(database)`
    SELECT count(*)::int AS count
    FROM (
      SELECT s.idle_expires_at, s.absolute_expires_at FROM ${tables.session} s
      WHERE s.created_at <= ${timestamp(at)}
        AND s.created_at > coalesce(${timestamp(previousAt)}, '-infinity')
      ORDER BY s.created_at DESC LIMIT ${maxCountedRevoked}
    ) ended
    WHERE ended.idle_expires_at > ${clock} AND ended.absolute_expires_at > ${clock}`
  return row?.count ?? 0
}
