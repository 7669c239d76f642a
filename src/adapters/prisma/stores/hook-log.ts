import type { EventCause, HookEvents, HookKind } from '../../../core/hooks.js'
import { type AuditEvent, commandLine, hostApp } from '../../../ports/events.js'
import type { HookCursor, HookLog } from '../../../ports/hooks.js'
import { type Database, execute, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { clock, timestamp } from '../sql/fragments.js'
import { claim, release } from '../sql/lease.js'
import { tables } from '../tables.js'

type EventRow = Pick<AuditEvent, 'at' | 'userId' | 'sessionId' | 'actorId' | 'reason' | 'ip' | 'userAgent'> & {
  readonly id: bigint
  readonly externalId: string | null
  readonly concerns: boolean
}

/**
 * Which events `e` concern the hooks of a kind. The end of everybody's sessions is one event. A session that has ended for
 * another reason can have an event `replaced` too: that is no second end.
 */
const concerns: Readonly<Record<HookKind, Prisma.Sql>> = {
  onUserCreated: Prisma.sql`e.type = 'user_registered'`,
  onUserDeleted: Prisma.sql`e.type = 'user_deleted'`,
  onSessionEnded: Prisma.sql`(e.type = 'everybody_revoked' OR (
    e.type = 'session_ended' AND e.user_id IS NOT NULL AND NOT (e.reason = 'replaced' AND EXISTS (
      SELECT 1 FROM ${tables.event} o
      WHERE o.session_id = e.session_id AND o.type = 'session_ended' AND o.reason <> 'replaced'
    ))
  ))`
}

/** The cursors of hooks in PostgreSQL, over the event log. */
export function prismaHookLog(database: Database): HookLog {
  return {
    async claim({ hook, holder, leaseSeconds }) {
      const lease = await claim(database, { task: taskOf(hook), holder, leaseSeconds, position: null })
      return lease !== undefined
    },

    release: ({ hook, holder }) => release(database, { task: taskOf(hook), holder }),

    async cursor(hook) {
      const [cursor] = await query<HookCursor>(database)`
        SELECT h.position, h.caught_up_at AS "caughtUpAt" FROM ${tables.hook} h WHERE h.name = ${hook}`
      return cursor
    },

    async begin(hook) {
      await execute(database)`
        INSERT INTO ${tables.hook} (name, position, caught_up_at)
        SELECT ${hook}, coalesce((SELECT e.id FROM ${tables.event} e ORDER BY e.id DESC LIMIT 1), 0), ${clock}
        ON CONFLICT (name) DO NOTHING`
    },

    async save(hook, from, { position, caughtUpAt }) {
      const saved = await execute(database)`
        UPDATE ${tables.hook} SET position = ${position}, caught_up_at = ${timestamp(caughtUpAt)}
        WHERE name = ${hook} AND position = ${from}`
      return saved === 1
    },

    async read(kind, { above, ids, limit }) {
      // Two parts, because with OR the database may walk all ids.
      const rows = await query<EventRow>(database)`
        SELECT e.id, e.at, e.user_id AS "userId", e.session_id AS "sessionId", e.actor_id AS "actorId", e.reason, e.ip,
          e.user_agent AS "userAgent", ${concerns[kind]} AS concerns,
          coalesce(u.external_id, (
            SELECT d.note FROM ${tables.event} d WHERE u.id IS NULL AND d.user_id = e.user_id AND d.type = 'user_deleted'
            LIMIT 1
          )) AS "externalId"
        FROM (
          (SELECT * FROM ${tables.event} a WHERE a.id = ANY (${ids}::bigint[]))
          UNION ALL
          (SELECT * FROM ${tables.event} b WHERE b.id > ${above} ORDER BY b.id LIMIT ${limit})
        ) e LEFT JOIN ${tables.user} u ON u.id = e.user_id
        ORDER BY e.id`
      return rows.map((row) => ({ id: row.id, at: row.at, event: row.concerns ? eventOf[kind](row) : null }))
    }
  }
}

const taskOf = (hook: string) => `hook:${hook}`

/** The event of a row that concerns a kind of hook. */
const eventOf: { readonly [Kind in HookKind]: (row: EventRow) => HookEvents[Kind] | null } = {
  onUserCreated: ({ userId, ...row }) => (userId === null ? null : { ...common(row), userId }),
  onUserDeleted: ({ userId, ...row }) =>
    userId === null ? null : { ...common(row), userId, reason: row.reason ?? '' },
  onSessionEnded({ userId, sessionId: sid, ...row }) {
    const ended = { ...common(row), reason: row.reason ?? '' }
    return userId === null || sid === null ? { ...ended, userId: null, sid: null } : { ...ended, userId, sid }
  }
}

/** A failover that loses commits gives their ids to other events, so an id alone does not name an event for ever. */
const common = (row: Omit<EventRow, 'userId' | 'sessionId'>) => ({
  id: `${row.id}-${row.at}`,
  at: row.at,
  by: causeOf(row),
  actorId: row.actorId,
  externalId: row.externalId
})

/** The reason `host` comes first: the host made an account by `startSession`, in a request that has an address. */
function causeOf({ reason, ip, userAgent }: Pick<EventRow, 'reason' | 'ip' | 'userAgent'>): EventCause {
  if (reason === 'host') return 'host'
  if (ip !== null) return 'request'
  if (userAgent === hostApp.userAgent) return 'host'
  return userAgent === commandLine.userAgent ? 'command_line' : 'latchkey'
}
