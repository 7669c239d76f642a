import { type Static, Type } from 'typebox'
import { type AuditEvent, eventTypes } from '../../../ports/events.js'
import { id, nextCursor, nullable, page, query, requestId, time, timeView } from '../shared.js'

export const EventsQuery = query({
  ...page,
  type: Type.Optional(Type.Enum([...eventTypes])),
  user_id: Type.Optional(requestId),
  session_id: Type.Optional(requestId)
})

export const Event = Type.Object({
  id,
  type: Type.Enum([...eventTypes]),
  at: time,
  count: Type.Integer({ description: 'How many such events the entry stands for.' }),
  user_id: nullable(id),
  session_id: nullable(Type.String({ ...id, description: 'The session, or the secret of a client.' })),
  client_id: nullable(Type.String({ ...id, description: 'The machine client that the event is about.' })),
  actor_id: nullable(id),
  reason: nullable(Type.String()),
  note: nullable(Type.String()),
  ip: nullable(Type.String()),
  user_agent: nullable(Type.String())
})
export const EventsPage = Type.Object({ events: Type.Array(Event), next_cursor: nextCursor })

export function eventView(event: AuditEvent): Static<typeof Event> {
  return {
    id: event.id,
    type: event.type,
    at: timeView(event.at),
    count: event.count,
    user_id: event.userId,
    session_id: event.sessionId,
    client_id: event.clientId,
    actor_id: event.actorId,
    reason: event.reason,
    note: event.note,
    ip: event.ip,
    user_agent: event.userAgent
  }
}
