import type { LiveSession } from '../../../ports/sessions.js'
import type { User } from '../../../ports/users.js'
import { Prisma } from '../generated/client.js'

/**
 * The columns of our rows as SQL, named as the ports name them, so that a row is the port's value as
 * it arrives. Times leave the database as milliseconds since the epoch: a driver's own reading of
 * timestamps depends on the connection's time zone.
 */
const millis = (column: string) => Prisma.raw(`(extract(epoch FROM ${column}) * 1000)::float8`)

/** The database's clock, rounded as its columns are: what SQL compares is to the millisecond what the core compares. */
export const clock = Prisma.sql`now()::timestamptz(3)`

/** That many seconds, as an interval. */
export const seconds = (count: number) => Prisma.sql`(${count}::float8 * interval '1 second')`

/** Of `"user" u`, as a `User`. */
export const userColumns = Prisma.sql`
  u.id, u.email, coalesce(u.roles, '{}') AS roles, u.disabled_at IS NOT NULL AS disabled,
  ${millis('u.created_at')} AS "createdAt"`

/** Of `session s`, as a `Session`. */
export const sessionColumns = Prisma.sql`
  s.id, s.user_id AS "userId", s.mode, s.device, s.user_agent AS "userAgent", s.ip,
  ${millis('s.created_at')} AS "createdAt", ${millis('s.last_used_at')} AS "lastUsedAt",
  ${millis('s.idle_expires_at')} AS "idleExpiresAt", ${millis('s.absolute_expires_at')} AS "absoluteExpiresAt"`

/** Of `session s` and its `"user" u`, for `toLiveSession`. */
export const liveColumns = Prisma.sql`
  ${sessionColumns}, s.secret_hash AS "secretHash", s.generation::float8 AS generation,
  ${millis('s.rotated_at')} AS "rotatedAt", s.retry_key_hash AS "retryKeyHash",
  s.recovered_generation::float8 AS "recoveredGeneration", coalesce(s.amr, '{}') AS amr,
  ${millis('s.auth_time')} AS "authTime", ${millis('now()::timestamptz(3)')} AS now,
  u.email AS "userEmail", coalesce(u.roles, '{}') AS "userRoles",
  u.disabled_at IS NOT NULL AS "userDisabled", ${millis('u.created_at')} AS "userCreatedAt"`

export type LiveRow = Omit<LiveSession, 'user'> & {
  readonly userEmail: User['email']
  readonly userRoles: User['roles']
  readonly userDisabled: User['disabled']
  readonly userCreatedAt: User['createdAt']
}

/** Of `revocation r`, as a `Revocation`. */
export const revocationColumns = Prisma.sql`
  r.id, r.sid, r.reason, ${millis('r.at')} AS at, ${millis('r.expires_at')} AS "expiresAt"`

/** Of `event e`, as an `AuditEvent`. */
export const eventColumns = Prisma.sql`
  e.id::text AS id, e.type, ${millis('e.at')} AS at, e.user_id AS "userId", e.session_id AS "sessionId",
  e.actor_id AS "actorId", e.reason, e.note, e.ip, e.user_agent AS "userAgent"`

/** Where a walk along the primary key of `session` begins. */
export const beforeAnySession = '00000000-0000-0000-0000-000000000000'

/** That `session s` is past neither of its ends. */
export const isLive = Prisma.sql`(s.idle_expires_at > ${clock} AND s.absolute_expires_at > ${clock})`

export function toLiveSession(row: LiveRow): LiveSession {
  const { userEmail, userRoles, userDisabled, userCreatedAt, ...session } = row
  const user = {
    id: row.userId,
    email: userEmail,
    roles: userRoles,
    disabled: userDisabled,
    createdAt: userCreatedAt
  }
  return { ...session, user }
}
