import type { Revocation } from '../../../core/revocation.js'
import type { Actor } from '../../../ports/events.js'
import type { SessionStore } from '../../../ports/sessions.js'
import type { Database } from '../database.js'
import { by, type EndingPolicy, eventTarget, repeatAfterCommit, revocationLife } from './ending-sessions.js'
import { beforeAnySession, clock, revocationColumns } from './session-rows.js'

/** So many rows go in well under a second, also where the machine is busy. */
const usualBatch = 10_000

/**
 * `SessionStore.endEverybodys`, for a table of any size. The event and a revocation come first, and
 * refuse every access token at once. Then the sessions that were there go, batch by batch, so that no
 * statement holds up others or runs into its time-out. A session may refresh until its row is
 * reached, so the revocation that counts is written last. Where a batch fails, asking again ends the rest.
 */
export function endingEverybodys(
  database: Database,
  policy: EndingPolicy,
  batch = usualBatch
): SessionStore['endEverybodys'] {
  return async (actor) => {
    const first = await announce(database, policy, actor)
    let count = 0
    let after: string | null = beforeAnySession
    while (after !== null) {
      const walked: Walked = await endBatch(database, first, { after, batch })
      count += walked.ended
      after = walked.last
    }
    const [revocation] = await repeatAfterCommit(database, [first], policy)
    if (revocation === undefined) throw new Error('The revocation of every session has gone.')
    return { count, revocation }
  }
}

async function announce(database: Database, policy: EndingPolicy, actor: Actor): Promise<Revocation> {
  const [revocation] = await database.run(
    (prisma) => prisma.$queryRaw<Revocation[]>`
      WITH noted AS (
        INSERT INTO ${eventTarget} VALUES ('everybody_revoked', NULL, NULL, 'revoked_by_admin', NULL, ${by(actor)})
      ), r AS (
        INSERT INTO revocation (reason, expires_at) VALUES ('revoked_by_admin', ${clock} + ${revocationLife(policy)})
        RETURNING *
      )
      SELECT ${revocationColumns} FROM r`
  )
  if (revocation === undefined) throw new Error('Ending every session wrote no revocation.')
  return revocation
}

interface Walked {
  readonly ended: number
  /** The last session that was looked at; null where there was none any more. */
  readonly last: string | null
}

/** Of the `batch` sessions after `after`, deletes those that were there when `revocation` was written. */
async function endBatch(
  database: Database,
  revocation: Revocation,
  { after, batch }: { readonly after: string; readonly batch: number }
): Promise<Walked> {
  const [walked] = await database.run(
    (prisma) => prisma.$queryRaw<Walked[]>`
      WITH walked AS (
        SELECT s.id FROM session s WHERE s.id > ${after}::uuid ORDER BY s.id LIMIT ${batch}
      ), gone AS (
        DELETE FROM session s
        WHERE s.id = ANY (ARRAY(SELECT id FROM walked))
          AND s.created_at <= (SELECT r.at FROM revocation r WHERE r.id = ${revocation.id})
        RETURNING 1
      )
      SELECT (SELECT count(*)::float8 FROM gone) AS ended,
        (SELECT id FROM walked ORDER BY id DESC LIMIT 1) AS last`
  )
  return walked ?? { ended: 0, last: null }
}
