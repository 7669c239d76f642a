import type { IssuableSession, RotationAttempt, SessionStore } from '../../../ports/sessions.js'
import type { Database } from '../database.js'
import { Prisma } from '../generated/client.js'
import { preparedStatement } from '../prepared-statements.js'
import { sharedStatements } from '../shared-statements.js'
import { tables } from '../tables.js'
import { clock, seconds } from './fragments.js'
import {
  isLive,
  type RefreshPolicy,
  recordedUse,
  recordedWindow,
  sessionUserColumns,
  type WithUserColumns,
  withUser
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
  return sharedStatements<RotationAttempt, IssuableSession | undefined>(database, {
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
  /** `u` is a row of `from` that has the columns of the user. */
  const move = (attempted: { readonly from: Prisma.Sql; readonly which: Prisma.Sql; readonly keyHash: Prisma.Sql }) =>
    Prisma.sql`
      UPDATE ${tables.session} s
      SET generation = s.generation + 1, ${recordedWindow(attempted.keyHash)}, ${recordedUse(policy)}
      FROM ${attempted.from} u
      WHERE ${attempted.which}
        AND (s.rotated_at IS NULL OR s.rotated_at <= ${clock} - ${seconds(policy.graceSeconds)})
        AND ${isLive} AND s.mode IN ('cookie', 'body') AND u.disabled_at IS NULL
      RETURNING ${issuableColumns(policy)}`

  const moveOne = preparedStatement<IssuableRow, RotationAttempt>(database, (given) =>
    move({
      from: tables.user,
      which: Prisma.sql`
        s.id = ${given('sid')}::uuid AND s.generation = ${given('generation')}::bigint
        AND s.secret_hash = ${given('secretHash')}::text AND u.id = s.user_id`,
      keyHash: Prisma.sql`${given('retryKeyHash')}::text`
    })
  )

  const moveMany = preparedStatement<MovedRow, Columns<RotationAttempt>>(
    database,
    (given) => Prisma.sql`
      WITH locked AS (
        SELECT s.id AS locked_id, asked.*,
          u.email, u.roles, u.disabled_at, u.created_at, u.attributes, u.external_id
        FROM unnest(
          ${given('sid')}::uuid[], ${given('generation')}::bigint[], ${given('secretHash')}::text[],
          ${given('retryKeyHash')}::text[]
        ) AS asked(sid, asked_generation, asked_secret_hash, asked_key_hash)
          JOIN ${tables.session} s ON s.id = asked.sid JOIN ${tables.user} u ON u.id = s.user_id
        ORDER BY s.id FOR NO KEY UPDATE OF s SKIP LOCKED
      ), moved AS (
        ${move({
          from: Prisma.sql`locked`,
          which: Prisma.sql`
            s.id = u.locked_id AND s.generation = u.asked_generation AND s.secret_hash = u.asked_secret_hash`,
          keyHash: Prisma.sql`u.asked_key_hash`
        })}
      )
      SELECT locked.locked_id AS "lockedId", moved.* FROM locked LEFT JOIN moved ON moved.id = locked.locked_id`
  )

  async function one(attempt: RotationAttempt): Promise<IssuableSession | undefined> {
    noteBatch(1)
    const [row] = await moveOne(attempt)
    return row && withUser(row)
  }

  /**
   * Waits for no lock, so that one locked row does not delay all other calls. A row that another transaction has locked
   * is 'alone', and so is a session that does not exist.
   */
  async function many(
    attempts: readonly RotationAttempt[]
  ): Promise<readonly (IssuableSession | undefined | 'alone')[]> {
    noteBatch(attempts.length)
    const rows = await moveMany({
      sid: attempts.map(({ sid }) => sid),
      generation: attempts.map(({ generation }) => generation),
      secretHash: attempts.map(({ secretHash }) => secretHash),
      retryKeyHash: attempts.map(({ retryKeyHash }) => retryKeyHash)
    })
    const found = new Map(rows.map(({ lockedId, ...row }) => [lockedId, row.id === null ? undefined : withUser(row)]))
    return attempts.map(({ sid }) => (found.has(sid) ? found.get(sid) : 'alone'))
  }

  return { one, many }
}

/** The columns of `session s` and its user `u` after an UPDATE, for `withUser`. */
const issuableColumns = (policy: RefreshPolicy) => Prisma.sql`
  s.id, s.user_id AS "userId", s.mode, s.device, s.user_agent AS "userAgent", s.ip,
  s.generation::float8 AS generation, s.idle_expires_at AS "idleExpiresAt",
  s.absolute_expires_at AS "absoluteExpiresAt", coalesce(s.amr, '{}') AS amr, s.auth_time AS "authTime",
  s.last_used_at AS now, ${sessionUserColumns(policy)}`

type IssuableRow = WithUserColumns<IssuableSession>
type MovedRow = { readonly lockedId: string } & (IssuableRow | { readonly id: null })

/** The values of several items, by column. */
type Columns<Item> = { readonly [Name in keyof Item]: readonly Item[Name][] }
