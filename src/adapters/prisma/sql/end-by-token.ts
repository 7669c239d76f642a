import type { Revocation } from '../../../core/revocation-set.js'
import type { SessionStore, TokenEnd } from '../../../ports/sessions.js'
import type { Database } from '../database.js'
import { Prisma } from '../generated/client.js'
import { preparedStatement } from '../prepared-statements.js'
import { sharedStatements } from '../shared-statements.js'
import { tables } from '../tables.js'
import { eventTarget } from './audit-events.js'
import { type FeedPolicy, revocationLife } from './end-sessions.js'
import { clock, isSpared, revocationColumns } from './fragments.js'
import { isLive } from './live-sessions.js'

/** An entry of the feed as a row; null if the session did not end. */
type EndedRow = { readonly askedSid: string } & (Revocation | { readonly id: null })

type AskedRow = ReturnType<typeof askedRow>
type AskedColumns = ReturnType<typeof columnsOf>

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
  /** `asked` says which ends to try. Its session is past none of its ends, and has not rotated past the token. */
  const endAsked = <Values extends object>(asked: (given: (name: keyof Values) => Prisma.Sql) => Prisma.Sql) =>
    preparedStatement<EndedRow, Values>(
      database,
      (given) => Prisma.sql`
        WITH asked AS (
          ${asked(given)}
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
    )
  // Not a list of one: of lists PostgreSQL knows the length only when it has them, and so it would plan each time.
  const endOne = endAsked<AskedRow>(
    (given) => Prisma.sql`
      SELECT ${given('sid')}::uuid AS sid, ${given('secretHash')}::text AS secret_hash,
        ${given('newestGeneration')}::bigint AS generation, ${given('actorId')}::uuid AS actor_id,
        ${given('ip')}::text AS ip, ${given('userAgent')}::text AS user_agent`
  )
  const endMany = endAsked<AskedColumns>(
    (given) => Prisma.sql`
      SELECT asked.* FROM unnest(
        ${given('sid')}::uuid[], ${given('secretHash')}::text[], ${given('newestGeneration')}::bigint[],
        ${given('actorId')}::uuid[], ${given('ip')}::text[], ${given('userAgent')}::text[]
      ) AS asked(sid, secret_hash, generation, actor_id, ip, user_agent)
      JOIN ${tables.session} s ON s.id = asked.sid
      ORDER BY s.id FOR UPDATE OF s SKIP LOCKED`
  )

  async function one(wanted: TokenEnd): Promise<Revocation | undefined> {
    const [row] = await endOne(askedRow(wanted))
    return row && revocationOf(row)
  }

  /**
   * Waits for no lock, so that one locked row does not delay all other calls. A row that another transaction has locked
   * is 'alone', and so is a session that does not exist.
   */
  async function many(wanted: readonly TokenEnd[]): Promise<readonly (Revocation | undefined | 'alone')[]> {
    const found = new Map((await endMany(columnsOf(wanted))).map((row) => [row.askedSid, revocationOf(row)]))
    return wanted.map(({ sid }) => (found.has(sid) ? found.get(sid) : 'alone'))
  }

  return { one, many }
}

function askedRow({ sid, secretHash, newestGeneration, actor }: TokenEnd) {
  return {
    sid,
    secretHash,
    newestGeneration,
    actorId: actor.userId ?? null,
    ip: actor.ip ?? null,
    userAgent: actor.userAgent ?? null
  }
}

function columnsOf(wanted: readonly TokenEnd[]) {
  const rows = wanted.map(askedRow)
  return {
    sid: rows.map(({ sid }) => sid),
    secretHash: rows.map(({ secretHash }) => secretHash),
    newestGeneration: rows.map(({ newestGeneration }) => newestGeneration),
    actorId: rows.map(({ actorId }) => actorId),
    ip: rows.map(({ ip }) => ip),
    userAgent: rows.map(({ userAgent }) => userAgent)
  }
}

function revocationOf({ askedSid: _, ...row }: EndedRow): Revocation | undefined {
  return row.id === null ? undefined : row
}
