import { Prisma } from '../generated/client.js'

/** The database's clock, rounded as its columns are, so that SQL and core compare the same milliseconds. */
export const clock = Prisma.sql`now()::timestamptz(3)`

/** `count` seconds as an interval. */
export const seconds = (count: number) => Prisma.sql`(${count}::float8 * interval '1 second')`

/** A time of the ports, in milliseconds since the epoch, as a timestamp. */
export const timestamp = (milliseconds: number | null) => Prisma.sql`to_timestamp(${milliseconds}::float8 / 1000)`

// The columns below are named as the ports name them, so that a row is the port's value as it arrives: the database
// returns times as milliseconds (`timesInMilliseconds`).

/** The columns of `"user" u` for a `User`. */
export const userColumns = Prisma.sql`
  u.id, u.email, coalesce(u.roles, '{}') AS roles, u.disabled_at IS NOT NULL AS disabled, u.created_at AS "createdAt"`

/** The columns of `revocation r` for a `Revocation`. */
export const revocationColumns = Prisma.sql`
  r.id, r.sid, r.reason, r.at, r.expires_at AS "expiresAt"`

/** Lies before every session: a walk along the primary key of `session` begins here. */
export const beforeAnySession = '00000000-0000-0000-0000-000000000000'
