import type { LiveSession, RotationAttempt, SessionStore } from '../../../ports/sessions.js'
import { type Database, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { prepared } from '../prepared-statements.js'
import { sharedStatements } from '../shared-statements.js'
import { tables } from '../tables.js'
import { clock, seconds } from './fragments.js'
import {
  isLive,
  type LiveRow,
  liveColumns,
  type RefreshPolicy,
  recordedUse,
  recordedWindow,
  toLiveSession
} from './live-sessions.js'

/**
 * `SessionStore.rotate`. Up to `batchSize` concurrent calls share a statement, its round trip and its commit
 * (docs/scaling.md). `noteBatch` is called with the number of refreshes of each statement.
 */
export function rotate(
  database: Database,
  policy: RefreshPolicy,
  batchSize: number,
  noteBatch: (size: number) => void = () => undefined
): SessionStore['rotate'] {
  const { one, many } = rotationStatements(database, policy, noteBatch)
  if (batchSize === 1) return one
  return sharedStatements<RotationAttempt, LiveSession | undefined>(database, {
    name: 'refresh',
    // After the first of equal attempts, none of the others can match: the row has moved, or never matched.
    identityOf: ({ sid, generation, secretHash }) => `${sid} ${generation} ${secretHash}`,
    repeated: () => undefined,
    keyOf: ({ sid }) => sid,
    one,
    many,
    maxSize: batchSize
  })
}

/** The statement that moves one row, and the one that moves several rows of different sessions. */
export function rotationStatements(
  database: Database,
  policy: RefreshPolicy,
  noteBatch: (size: number) => void = () => undefined
) {
  const moved = (attempted: { readonly from: Prisma.Sql; readonly which: Prisma.Sql; readonly keyHash: Prisma.Sql }) =>
    Prisma.sql`
      UPDATE ${tables.session} s
      SET generation = s.generation + 1, ${recordedWindow(attempted.keyHash)}, ${recordedUse(policy)}
      FROM ${attempted.from} ${tables.user} u
      WHERE ${attempted.which}
        AND (s.rotated_at IS NULL OR s.rotated_at <= ${clock} - ${seconds(policy.graceSeconds)})
        AND ${isLive} AND s.mode IN ('cookie', 'body') AND u.id = s.user_id AND u.disabled_at IS NULL
      RETURNING ${liveColumns(policy)}, s.last_used_at AS now`

  async function one({ sid, generation, secretHash, retryKeyHash }: RotationAttempt): Promise<LiveSession | undefined> {
    noteBatch(1)
    const which = Prisma.sql`
      s.id = ${sid}::uuid AND s.generation = ${generation}::bigint AND s.secret_hash = ${secretHash}`
    const keyHash = Prisma.sql`${retryKeyHash}::text`
    const rows = await query<LiveRow>(database)`${prepared} ${moved({ from: Prisma.empty, which, keyHash })}`
    return rows.map(toLiveSession)[0]
  }

  /**
   * Waits for no lock, so that one locked row does not delay all other calls. A row that another transaction has locked
   * is 'alone', and so is a session that does not exist.
   */
  async function many(attempts: readonly RotationAttempt[]): Promise<readonly (LiveSession | undefined | 'alone')[]> {
    noteBatch(attempts.length)
    const ids = attempts.map(({ sid }) => sid)
    const which = Prisma.sql`
      s.id = locked.id AND s.generation = locked.asked_generation AND s.secret_hash = locked.asked_secret_hash`
    const rows = await query<{ readonly lockedId: string } & (LiveRow | { readonly id: null })>(database)`${prepared}
      WITH locked AS (
        SELECT s.id, asked.generation AS asked_generation, asked.secret_hash AS asked_secret_hash,
          asked.retry_key_hash AS asked_retry_key_hash
        FROM unnest(
          ${ids}::uuid[], ${attempts.map(({ generation }) => generation)}::bigint[],
          ${attempts.map(({ secretHash }) => secretHash)}::text[],
          ${attempts.map(({ retryKeyHash }) => retryKeyHash)}::text[]
        ) AS asked(sid, generation, secret_hash, retry_key_hash) JOIN ${tables.session} s ON s.id = asked.sid
        ORDER BY s.id FOR NO KEY UPDATE OF s SKIP LOCKED
      ), moved AS (
        ${moved({ from: Prisma.sql`locked,`, which, keyHash: Prisma.sql`locked.asked_retry_key_hash` })}
      )
      SELECT locked.id AS "lockedId", moved.* FROM locked LEFT JOIN moved ON moved.id = locked.id`
    const found = new Map(
      rows.map(({ lockedId, ...row }) => [lockedId, row.id === null ? undefined : toLiveSession(row)])
    )
    return ids.map((id) => (found.has(id) ? found.get(id) : 'alone'))
  }

  return { one, many }
}
