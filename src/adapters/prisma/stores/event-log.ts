import { isEndedReason } from '../../../core/vocabulary.js'
import { type AuditEvent, type EventLog, refreshEventTypes } from '../../../ports/events.js'
import { type Database, execute, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { by, eventColumns, eventTarget } from '../sql/audit-events.js'
import { isSpared, timestamp } from '../sql/fragments.js'
import { byNumber, where } from '../sql/listing.js'
import { tables } from '../tables.js'

const newestFirst = byNumber<AuditEvent>('events', 'e')

/** The audit log in PostgreSQL. */
export function prismaEventLog(database: Database): EventLog {
  return {
    async record({ type, userId, sessionId, reason }, actor) {
      await execute(database)`
        INSERT INTO ${eventTarget}
        VALUES (${type}, ${userId ?? null}::uuid, ${sessionId ?? null}::uuid, ${reason ?? null}, NULL, ${by(actor)})`
    },

    async list({ type, userId, sessionId, refreshesBefore }, page) {
      const conditions = where([
        type === undefined ? undefined : Prisma.sql`e.type = ${type}`,
        userId === undefined ? undefined : Prisma.sql`e.user_id = ${userId}::uuid`,
        sessionId === undefined
          ? undefined
          : Prisma.sql`(e.session_id = ${sessionId}::uuid OR e.id = (${endOfAll(sessionId)}))`,
        refreshesBefore === undefined ? undefined : Prisma.sql`NOT (${isOfLateRefresh(refreshesBefore)})`,
        newestFirst.after(page.cursor)
      ])
      const rows = await query<AuditEvent>(database)`
        SELECT ${eventColumns} FROM ${tables.event} e ${conditions} ORDER BY e.id DESC LIMIT ${page.limit + 1}`
      return newestFirst.page(rows, page)
    },

    async endingOf(sid) {
      const [row] = await query<{ readonly reason: string | null; readonly replaced: boolean }>(database)`
        WITH own AS (
          SELECT e.reason FROM ${tables.event} e WHERE e.session_id = ${sid}::uuid AND e.type = 'session_ended'
        )
        SELECT
          coalesce(
            (SELECT reason FROM own WHERE reason <> 'replaced' LIMIT 1),
            (SELECT e.reason FROM ${tables.event} e WHERE e.id = (${endOfAll(sid)})),
            (SELECT reason FROM own LIMIT 1)
          ) AS reason,
          EXISTS (SELECT 1 FROM own WHERE reason = 'replaced') AS replaced`
      const reason = row?.reason ?? ''
      // Only `replaced` is written of a session that has ended already, so any other reason was the first.
      return isEndedReason(reason)
        ? { reason, alsoReplaced: row?.replaced === true && reason !== 'replaced' }
        : undefined
    }
  }
}

/** Whether `event e` shows a refresh of a live session at `from` or later, in milliseconds. */
const isOfLateRefresh = (from: number) => Prisma.sql`
  e.type = ANY (${[...refreshEventTypes]}::text[]) AND e.at >= ${timestamp(from)}
  AND EXISTS (SELECT 1 FROM ${tables.session} s WHERE s.id = e.session_id AND ${isSpared})`

/**
 * The id of the `everybody_revoked` event that ended a session: ending all sessions writes one event, not one for each
 * session. It ended a session that has no live row, has an earlier event in the log, and had no `session_ended` event by then.
 */
const endOfAll = (sid: string) => Prisma.sql`
  SELECT everybody.id FROM ${tables.event} known, ${tables.event} everybody
  WHERE known.session_id = ${sid}::uuid
    AND everybody.type = 'everybody_revoked' AND everybody.at >= known.at
    AND NOT EXISTS (SELECT 1 FROM ${tables.session} s WHERE s.id = ${sid}::uuid AND ${isSpared})
    AND NOT EXISTS (SELECT 1 FROM ${tables.event} own WHERE own.session_id = ${sid}::uuid AND own.type = 'session_ended' AND own.id < everybody.id)
  ORDER BY everybody.id LIMIT 1`
