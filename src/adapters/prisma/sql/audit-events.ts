import type { Actor } from '../../../ports/events.js'
import { Prisma } from '../generated/client.js'
import { tables } from '../tables.js'

/** The columns of `event e` for an `AuditEvent`. */
export const eventColumns = Prisma.sql`
  e.id::text AS id, e.type, e.at, e.count, e.user_id AS "userId", e.session_id AS "sessionId",
  'client_' || e.client_id::text AS "clientId", e.actor_id AS "actorId", e.reason, e.note, e.ip, e.user_agent AS "userAgent"`

/** The table and columns of an INSERT of events. `by` gives the last three values. */
export const eventTarget = Prisma.sql`${tables.event} (type, user_id, session_id, reason, note, actor_id, ip, user_agent)`

/** Who acted, and from where: the last three values for `eventTarget`. */
export const by = (actor: Actor) =>
  Prisma.sql`${actor.userId ?? null}::uuid, ${actor.ip ?? null}::text, ${actor.userAgent ?? null}::text`

/** As `eventTarget`, for events of a client: the columns before those of `by` are type, client, secret and note. */
export const clientEventTarget = Prisma.sql`
  ${tables.event} (type, client_id, session_id, note, actor_id, ip, user_agent)`
