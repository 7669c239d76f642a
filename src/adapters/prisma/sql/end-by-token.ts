import type { Revocation } from '../../../core/revocation-set.js'
import type { SessionStore, TokenEnd } from '../../../ports/sessions.js'
import { type Database, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { prepared } from '../prepared-statements.js'
import { sharedStatements } from '../shared-statements.js'
import { tables } from '../tables.js'
import { eventTarget } from './audit-events.js'
import { type FeedPolicy, revocationLife } from './end-sessions.js'
import { clock, isSpared, revocationColumns } from './fragments.js'
import { isLive } from './live-sessions.js'

/** An entry of the feed as a row; null if the session did not end. */
type RevocationRow = Revocation | { readonly id: null }

/**
 * `SessionStore.endByToken`. Up to `batchSize` concurrent calls share a statement, its round trip and its commit, as
 * refreshes do (rotate.ts).
 */
export function endByToken(database: Database, policy: FeedPolicy, batchSize: number): SessionStore['endByToken'] {
  const { one, many } = endStatements(database, policy)
  if (batchSize === 1) return one
  return sharedStatements<TokenEnd, Revocation | undefined>(database, {
    name: 'logout',
    identityOf: ({ sid, secretHash, newestGeneration }) => `${sid} ${newestGeneration} ${secretHash}`,
    // The first of them has ended the session.
    repeated: () => undefined,
    keyOf: ({ sid }) => sid,
    one,
    many,
    maxSize: batchSize
  })
}

/** The statement that ends one session, and the one that ends several. */
function endStatements(database: Database, policy: FeedPolicy) {
  const asked = (ends: readonly TokenEnd[]) => Prisma.sql`
    unnest(
      ${ends.map(({ sid }) => sid)}::uuid[], ${ends.map(({ secretHash }) => secretHash)}::text[],
      ${ends.map(({ newestGeneration }) => newestGeneration)}::bigint[],
      ${ends.map(({ actor }) => actor.userId ?? null)}::uuid[], ${ends.map(({ actor }) => actor.ip ?? null)}::text[],
      ${ends.map(({ actor }) => actor.userAgent ?? null)}::text[]
    ) AS asked(sid, secret_hash, generation, actor_id, ip, user_agent)`

  /** `asked` names what to end. Its session is past none of its ends, and has not rotated past the token. */
  const end = (asked: Prisma.Sql) => query<RevocationRow & { readonly askedSid: string }>(database)`${prepared}
    WITH asked AS (
      ${asked}
    ), ended AS (
      DELETE FROM ${tables.session} s USING asked
      WHERE s.id = asked.sid AND s.secret_hash = asked.secret_hash AND s.generation <= asked.generation
        AND ${isLive} AND ${isSpared}
      RETURNING s.id, s.user_id, asked.actor_id, asked.ip, asked.user_agent
    ), noted AS (
      INSERT INTO ${eventTarget}
      SELECT 'session_ended', user_id, id, 'logged_out', NULL, actor_id, ip, user_agent FROM ended
    ), r AS (
      INSERT INTO ${tables.revocation} (sid, reason, expires_at)
      SELECT id, 'logged_out', ${clock} + ${revocationLife(policy)} FROM ended
      RETURNING *
    )
    SELECT asked.sid AS "askedSid", ${revocationColumns} FROM asked LEFT JOIN r ON r.sid = asked.sid`

  async function one(wanted: TokenEnd): Promise<Revocation | undefined> {
    const { sid, secretHash, newestGeneration, actor } = wanted
    // Not a list of one: of lists PostgreSQL knows the length only when it has them, and so it would plan each time.
    const [row] = await end(Prisma.sql`
      SELECT ${sid}::uuid AS sid, ${secretHash}::text AS secret_hash, ${newestGeneration}::bigint AS generation,
        ${actor.userId ?? null}::uuid AS actor_id, ${actor.ip ?? null}::text AS ip,
        ${actor.userAgent ?? null}::text AS user_agent`)
    return row && revocationOf(row)
  }

  /**
   * Waits for no lock, so that one locked row does not delay all other calls. A row that another transaction has locked
   * is 'alone', and so is a session that does not exist.
   */
  async function many(wanted: readonly TokenEnd[]): Promise<readonly (Revocation | undefined | 'alone')[]> {
    const rows = await end(Prisma.sql`
      SELECT asked.* FROM ${asked(wanted)} JOIN ${tables.session} s ON s.id = asked.sid
      ORDER BY s.id FOR UPDATE OF s SKIP LOCKED`)
    const found = new Map(rows.map((row) => [row.askedSid, revocationOf(row)]))
    return wanted.map(({ sid }) => (found.has(sid) ? found.get(sid) : 'alone'))
  }

  return { one, many }
}

function revocationOf({ askedSid: _, ...row }: RevocationRow & { readonly askedSid: string }): Revocation | undefined {
  return row.id === null ? undefined : row
}
