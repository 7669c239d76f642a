import type { SessionPolicy } from '../../../core/policy.js'
import { visibleStepSeconds } from '../../../core/visible-times.js'
import type { RecoveryReason } from '../../../core/vocabulary.js'
import type { EventType } from '../../../ports/events.js'
import type { LiveSession, RotationStep, SessionStore } from '../../../ports/sessions.js'
import type { SessionUser } from '../../../ports/users.js'
import { type Database, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { preparedStatement } from '../prepared-statements.js'
import { sharedReads } from '../shared-reads.js'
import { tables } from '../tables.js'
import { by, eventTarget } from './audit-events.js'
import { clock, emailOrNull, isSpared, seconds, timestamp } from './fragments.js'

/**
 * Which attributes decide about the claims of access tokens: those of `TOKEN_ATTRIBUTES`, or any where the host makes
 * claims of its own. Where none do, sessions are read without attributes.
 */
export interface ClaimPolicy {
  readonly claimAttributes: readonly string[] | 'any'
}

export type RefreshPolicy = Pick<SessionPolicy, 'graceSeconds' | 'refreshIdleTtlSeconds'> & ClaimPolicy

/** When the current step of `withVisibleTimes` began. A subquery, so that a statement for many rows computes it once. */
const startOfStep = Prisma.sql`
  (SELECT to_timestamp(floor(extract(epoch FROM ${clock}) / ${visibleStepSeconds}) * ${visibleStepSeconds}))`

/** True for a `session s` that has not ended: it is past neither of its ends, and not of the end of everybody's sessions. */
export const isLive = Prisma.sql`(s.idle_expires_at > ${clock} AND s.absolute_expires_at > ${clock} AND ${isSpared})`

/** Whether `session s` has used a key. Version 0.1.0 writes keys, but not `key_used`. */
const keyUsed = Prisma.sql`(s.key_used OR s.retry_key_hash IS NOT NULL)`

/** The columns of `session s` for a `Session`. */
export const sessionColumns = Prisma.sql`
  s.id, s.user_id AS "userId", s.mode, s.device, s.user_agent AS "userAgent", s.ip,
  s.created_at AS "createdAt", s.last_used_at AS "lastUsedAt", s.used_before_at AS "usedBeforeAt",
  s.idle_expires_at AS "idleExpiresAt", s.absolute_expires_at AS "absoluteExpiresAt"`

/**
 * The columns of `session s` and its `"user" u` for `toLiveSession`, except `now`: a SELECT returns the clock, and an UPDATE
 * the column that it set to the clock.
 */
export const liveColumns = (policy: ClaimPolicy) => Prisma.sql`
  ${sessionColumns}, s.secret_hash AS "secretHash", s.generation::float8 AS generation,
  s.rotated_at AS "rotatedAt", s.retry_key_hash AS "retryKeyHash",
  ${keyUsed} AS "keyUsed", s.recovered_generation::float8 AS "recoveredGeneration", coalesce(s.amr, '{}') AS amr,
  s.auth_time AS "authTime", ${sessionUserColumns(policy)}`

/** The columns of `"user" u` for `withUser`. */
export const sessionUserColumns = ({ claimAttributes }: ClaimPolicy) => Prisma.sql`
  ${emailOrNull} AS "userEmail", coalesce(u.roles, '{}') AS "userRoles",
  u.disabled_at IS NOT NULL AS "userDisabled", u.created_at AS "userCreatedAt"
  ${claimAttributes.length === 0 ? Prisma.empty : Prisma.sql`, u.attributes AS "userAttributes", u.external_id AS "userExternalId"`}`

/** A row of `session s` with the columns of its user. */
export type WithUserColumns<Found extends { readonly user: SessionUser }> = Omit<Found, 'user'> & {
  readonly userEmail: SessionUser['email']
  readonly userRoles: SessionUser['roles']
  readonly userDisabled: SessionUser['disabled']
  readonly userCreatedAt: SessionUser['createdAt']
  /** Undefined, as is the next, where no attribute decides about claims. */
  readonly userAttributes?: SessionUser['attributes']
  readonly userExternalId?: SessionUser['externalId']
}

export type LiveRow = WithUserColumns<LiveSession>

export const toLiveSession = (row: LiveRow): LiveSession => withUser(row)

/** The row, with its user as one member. */
export function withUser<Row extends { readonly userId: string } & WithUserColumns<{ readonly user: SessionUser }>>(
  row: Row
) {
  const {
    userEmail,
    userRoles,
    userDisabled,
    userCreatedAt,
    userAttributes = {},
    userExternalId = null,
    ...session
  } = row
  const user = {
    id: row.userId,
    email: userEmail,
    roles: userRoles,
    disabled: userDisabled,
    createdAt: userCreatedAt,
    attributes: userAttributes,
    externalId: userExternalId
  }
  return { ...session, user }
}

/**
 * Assignments that begin a new grace window. `retryKeyHash` is the hash of the key of the request that moves the row,
 * or null.
 */
export const recordedWindow = (retryKeyHash: Prisma.Sql) => Prisma.sql`
  rotated_at = ${clock}, retry_key_hash = ${retryKeyHash}, key_used = ${keyUsed} OR ${retryKeyHash} IS NOT NULL`

/** Assignments that record a use. No index has these columns, so the update can stay in its page (HOT). */
export const recordedUse = ({ refreshIdleTtlSeconds }: Pick<RefreshPolicy, 'refreshIdleTtlSeconds'>) => Prisma.sql`
  used_before_at = CASE WHEN s.last_used_at < ${startOfStep} THEN s.last_used_at ELSE s.used_before_at END,
  last_used_at = ${clock},
  idle_expires_at = least(${clock} + ${seconds(refreshIdleTtlSeconds)}, s.absolute_expires_at)`

/**
 * The methods of a `SessionStore` that read or move one session. Each change is one conditional UPDATE, which cannot
 * bring back a deleted row.
 */
export function liveSessions(
  database: Database,
  policy: RefreshPolicy
): Pick<SessionStore, 'find' | 'advance' | 'touch'> {
  const used = recordedUse(policy)
  const find = (wanted: Prisma.Sql) => Prisma.sql`
    SELECT ${liveColumns(policy)}, ${clock} AS now FROM ${tables.session} s JOIN ${tables.user} u ON u.id = s.user_id
    WHERE s.id ${wanted} AND ${isSpared}`

  const touch = preparedStatement<unknown, { readonly sid: string }>(
    database,
    (given) => Prisma.sql`
      UPDATE ${tables.session} s SET ${used} WHERE s.id = ${given('sid')}::uuid AND s.mode = 'session' AND ${isLive}`
  )

  return {
    find: sharedReads(database, find, toLiveSession),

    async advance(seen, step, actor) {
      const { type, reason } = eventOf[step.kind]
      const recovered = step.kind === 'restore' ? Prisma.empty : Prisma.sql`recovered_generation = ${step.generation},`
      const moved = await query<unknown>(database)`
        WITH moved AS (
          UPDATE ${tables.session} s
          SET generation = ${step.generation}::bigint, ${recovered} ${recordedWindow(Prisma.sql`${step.retryKeyHash}::text`)}, ${used}
          FROM ${tables.user} u
          WHERE s.id = ${seen.id}::uuid AND s.generation = ${seen.generation}::bigint
            AND s.rotated_at IS NOT DISTINCT FROM ${timestamp(seen.rotatedAt)}
            AND ${isLive} AND u.id = s.user_id AND u.disabled_at IS NULL
          RETURNING s.id, s.user_id
        ), noted AS (
          INSERT INTO ${eventTarget} SELECT ${type}, user_id, id, ${reason}::text, NULL, ${by(actor)} FROM moved
        )
        SELECT 1 FROM moved`
      return moved.length === 1
    },

    async touch(sid) {
      await touch({ sid })
    }
  }
}

const eventOf: Readonly<
  Record<RotationStep['kind'], { readonly type: EventType; readonly reason: RecoveryReason | null }>
> = {
  renew: { type: 'refresh_recovered', reason: 'idempotency_key' },
  recover: { type: 'refresh_recovered', reason: 'recovery' },
  restore: { type: 'refresh_restored', reason: null }
}
