import type { SessionPolicy } from '../../../../core/policy.js'
import { failureRetentionSeconds } from '../../../../core/rate-limits.js'
import { type Database, query } from '../../database.js'
import { Prisma } from '../../generated/client.js'
import { tables } from '../../tables.js'
import { beforeAnySession, clock, seconds } from '../fragments.js'
import { eventRetentionSeconds } from './purge.js'

/** How long ago, in seconds, the purge should have removed the oldest row of each kind; 0 if nothing is overdue. */
export type PurgeLag = Readonly<Record<PurgedKind, number>>

/** `failures`: wrong passwords and requests for mails in the event log, which are kept for a shorter time. */
type PurgedKind = 'sessions' | 'revocations' | 'events' | 'failures' | 'guesses'

const sampleSize = 1000

const overdue = (due: Prisma.Sql, rows: Prisma.Sql) =>
  Prisma.sql`(SELECT coalesce(greatest(0, extract(epoch FROM ${clock} - min(${due}))), 0)::float8 FROM (${rows}) r)`

/**
 * Reads how far behind the purge is. No index leads to the expired sessions, so it looks at a thousand sessions from the
 * first one on, and at a thousand from `somewhere` on, a random UUID.
 */
export async function readPurgeLag(
  database: Database,
  policy: Pick<SessionPolicy, 'refreshAbsoluteTtlSeconds'>,
  somewhere: string
): Promise<PurgeLag> {
  const sessionsFrom = (id: string) =>
    Prisma.sql`(SELECT idle_expires_at, absolute_expires_at FROM ${tables.session} WHERE id > ${id}::uuid ORDER BY id LIMIT ${sampleSize})`
  const oldestOf = (type: string) =>
    Prisma.sql`(SELECT at FROM ${tables.event} WHERE type = ${type} ORDER BY id LIMIT 1)`
  const end = Prisma.sql`least(idle_expires_at, absolute_expires_at)`
  const eventEnd = Prisma.sql`at + ${seconds(eventRetentionSeconds(policy))}`
  const failureEnd = Prisma.sql`at + ${seconds(failureRetentionSeconds)}`
  const expires = Prisma.sql`expires_at`

  const [lag] = await query<PurgeLag>(database)`
    SELECT ${overdue(end, Prisma.sql`${sessionsFrom(beforeAnySession)} UNION ALL ${sessionsFrom(somewhere)}`)} AS sessions,
      ${overdue(expires, Prisma.sql`SELECT expires_at FROM ${tables.revocation} ORDER BY expires_at LIMIT 1`)} AS revocations,
      ${overdue(eventEnd, Prisma.sql`SELECT at FROM ${tables.event} ORDER BY at LIMIT 1`)} AS events,
      ${overdue(failureEnd, Prisma.sql`${oldestOf('login_failed')} UNION ALL ${oldestOf('password_refused')} UNION ALL ${oldestOf('password_reset_requested')} UNION ALL ${oldestOf('email_verification_requested')}`)} AS failures,
      ${overdue(expires, Prisma.sql`SELECT expires_at FROM ${tables.guessRun} ORDER BY expires_at LIMIT 1`)} AS guesses`
  return lag ?? unknownLag
}

/** Before the first reading. */
export const unknownLag: PurgeLag = {
  sessions: Number.NaN,
  revocations: Number.NaN,
  events: Number.NaN,
  failures: Number.NaN,
  guesses: Number.NaN
}
