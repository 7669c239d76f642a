import { Prisma } from '../generated/client.js'
import { tables } from '../tables.js'

/** The database's clock, rounded as its columns are, so that SQL and core compare the same milliseconds. */
export const clock = Prisma.sql`now()::timestamptz(3)`

/** `count` seconds as an interval. */
export const seconds = (count: number) => Prisma.sql`(${count}::float8 * interval '1 second')`

/** The last end of everybody's sessions; null if there was none. The table has one row, which a statement reads once. */
const everybodyRevokedAt = Prisma.sql`(SELECT e.at FROM ${tables.everybodyRevoked} e)`

/** True for what was created after the last end of everybody's sessions. */
export const isAfterEndOfAll = (createdAt: Prisma.Sql) =>
  Prisma.sql`(${createdAt} > coalesce(${everybodyRevokedAt}, '-infinity'))`

/**
 * True for a `session s` that is not of the last end of everybody's sessions. That end leaves the rows to the purge, so
 * every statement that decides about a session needs this condition, and treats the other rows as deleted.
 */
export const isSpared = isAfterEndOfAll(Prisma.sql`s.created_at`)

/**
 * When a session is created: now, but after every end of everybody's sessions that was committed before, also in the same
 * millisecond, and if the database's clock was set back.
 */
export const createdNow = Prisma.sql`greatest(${clock}, ${everybodyRevokedAt} + interval '1 millisecond')`

/** A time of the ports, in milliseconds since the epoch, as a timestamp. */
export const timestamp = (milliseconds: number | null) => Prisma.sql`to_timestamp(${milliseconds}::float8 / 1000)`

/** When the user of a new session was authenticated: now, or earlier if the host says so. `least` ignores null. */
export const authenticatedAt = ({ authTime }: { readonly authTime?: number | undefined }) =>
  Prisma.sql`least(${timestamp(authTime ?? null)}::timestamptz(3), ${clock})`

// The columns below are named as the ports name them, so that a row is the port's value as it arrives: the database
// returns times as milliseconds (`timesInMilliseconds`).

/** The address of `"user" u`; null for a person without one. */
export const emailOrNull = Prisma.sql`CASE WHEN u.email <> '' THEN u.email END`

/** The columns of `"user" u` for a `User`. */
export const userColumns = Prisma.sql`
  u.id, ${emailOrNull} AS email, u.external_id AS "externalId", coalesce(u.roles, '{}') AS roles, u.disabled_at IS NOT NULL AS disabled, u.created_at AS "createdAt",
  u.email_verified_at AS "emailVerifiedAt", u.locale, u.attributes`

/** True for a `"user" u` that was registered and waits until its address is confirmed. A disabled one does not wait. */
export const isWaiting = Prisma.sql`(u.awaits_confirmation AND u.disabled_at IS NULL)`

/** The columns of `"user" u` for a `UserWithPassword`. */
export const userWithPasswordColumns = Prisma.sql`
  ${userColumns}, u.password_hash AS "passwordHash", ${isWaiting} AS "awaitsConfirmation"`

/** The columns of `revocation r` for a `Revocation`. */
export const revocationColumns = Prisma.sql`
  r.id, r.sid, r.reason, r.at, r.expires_at AS "expiresAt"`

/** Lies before every session: a walk along the primary key of `session` begins here. */
export const beforeAnySession = '00000000-0000-0000-0000-000000000000'
