import type { Revocation } from '../../../core/revocation-set.js'
import type { Actor } from '../../../ports/events.js'
import type { SessionStore } from '../../../ports/sessions.js'
import { type Database, query } from '../database.js'
import { tables } from '../tables.js'
import { by, eventTarget } from './audit-events.js'
import { type EndingPolicy, repeatAfterCommit, revocationLife } from './end-sessions.js'
import { beforeAnySession, clock, revocationColumns } from './fragments.js'

/** A batch of this size ends in well under a second, also on a busy machine. */
const defaultBatch = 10_000

/**
 * `SessionStore.endAll`, for a table of any size:
 * 1. Write the event and a revocation of everybody's sessions, which refuses every access token at once.
 * 2. Delete the sessions that existed then, batch by batch, so that no statement blocks others or times out.
 * 3. Write the revocation again: until its row was deleted, a session could still refresh.
 * If a batch fails, calling it again ends the rest.
 */
export function endAllSessions(database: Database, policy: EndingPolicy, batch = defaultBatch): SessionStore['endAll'] {
  return async (actor) => {
    const first = await revokeAll(database, policy, actor)
    const count = await endSessionsUntil(database, first, batch)
    const [revocation] = await repeatAfterCommit(database, [first], policy)
    if (revocation === undefined) throw new Error('The revocation of all sessions has been deleted.')
    return { count, revocation }
  }
}

/** Deletes, batch by batch, the sessions that existed when `revocation` was written. Returns how many there were. */
export async function endSessionsUntil(
  database: Database,
  revocation: Revocation,
  batch = defaultBatch
): Promise<number> {
  let count = 0
  let after: string | null = beforeAnySession
  while (after !== null) {
    const walked: Walked = await endBatch(database, revocation, { after, batch })
    count += walked.ended
    after = walked.last
  }
  return count
}

async function revokeAll(database: Database, policy: EndingPolicy, actor: Actor): Promise<Revocation> {
  const [revocation] = await query<Revocation>(database)`
    WITH noted AS (
      INSERT INTO ${eventTarget} VALUES ('everybody_revoked', NULL, NULL, 'revoked_by_admin', NULL, ${by(actor)})
    ), r AS (
      INSERT INTO ${tables.revocation} (reason, expires_at) VALUES ('revoked_by_admin', ${clock} + ${revocationLife(policy)})
      RETURNING *
    )
    SELECT ${revocationColumns} FROM r`
  if (revocation === undefined) throw new Error('Ending all sessions wrote no revocation.')
  return revocation
}

interface Walked {
  readonly ended: number
  /** The last session of the batch; null if the batch was empty. */
  readonly last: string | null
}

/** Of the `batch` sessions after `after`, deletes those that existed when `revocation` was written. */
async function endBatch(
  database: Database,
  revocation: Revocation,
  { after, batch }: { readonly after: string; readonly batch: number }
): Promise<Walked> {
  const [walked] = await query<Walked>(database)`
    WITH walked AS (
      SELECT s.id FROM ${tables.session} s WHERE s.id > ${after}::uuid ORDER BY s.id LIMIT ${batch}
    ), gone AS (
      DELETE FROM ${tables.session} s
      WHERE s.id = ANY (ARRAY(SELECT id FROM walked))
        AND s.created_at <= (SELECT r.at FROM ${tables.revocation} r WHERE r.id = ${revocation.id})
      RETURNING 1
    )
    SELECT (SELECT count(*)::float8 FROM gone) AS ended,
      (SELECT id FROM walked ORDER BY id DESC LIMIT 1) AS last`
  return walked ?? { ended: 0, last: null }
}
