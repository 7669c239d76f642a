import { type Static, Type } from 'typebox'
import type { AuditEvent, User } from '../../ports/index.js'
import { Event } from './admin/events.js'
import { UserResponse, userView } from './admin/users.js'
import { id, nextCursor, page, query, timeView } from './shared.js'
import { password } from './sign-in.js'

export const MeResponse = Type.Object({ ...Type.Omit(UserResponse, ['disabled']).properties, session_id: id })

export function meView(user: User, sessionId: string): Static<typeof MeResponse> {
  const { disabled: _, ...view } = userView(user)
  return { ...view, session_id: sessionId }
}

export const OwnEventsQuery = query(page)
const OwnEvent = Type.Pick(Event, ['id', 'type', 'at', 'session_id', 'reason', 'ip', 'user_agent'])
export const OwnEventsPage = Type.Object({ events: Type.Array(OwnEvent), next_cursor: nextCursor })

/** An event as its user sees it: without an admin's note, and without the address and browser of an admin. */
export function ownEventView(event: AuditEvent): Static<typeof OwnEvent> {
  const { id, type, at, sessionId, reason, actorId, userId } = event
  const { ip, userAgent } = actorId === null || actorId === userId ? event : { ip: null, userAgent: null }
  return { id, type, at: timeView(at), session_id: sessionId, reason, ip, user_agent: userAgent }
}

export const PasswordBody = Type.Object({ current_password: password, new_password: password })
export const ReauthenticateBody = Type.Object({ password })
export const DeleteAccountBody = Type.Object({ password })
