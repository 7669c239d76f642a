import type { Static } from 'typebox'
import type { AuditEvent } from '../ports/events.js'
import type { MinuteCounts } from '../ports/metrics.js'
import type { Session } from '../ports/sessions.js'
import type { User } from '../ports/users.js'
import type { KeyWithState } from '../service/keys/signing-keys.js'
import type {
  CountsResponse,
  EventsPage,
  KeysResponse,
  OwnEventsPage,
  SessionResponse,
  UserResponse
} from './schemas/index.js'

/** How what the use cases give looks on the wire. */

export function userView(user: User): Static<typeof UserResponse> {
  const { id, email, roles, disabled, createdAt } = user
  return { id, email, roles: [...roles], disabled, created_at: timeView(createdAt) }
}

export function sessionView(session: Session, currentSid: string): Static<typeof SessionResponse> {
  return {
    id: session.id,
    current: session.id === currentSid,
    mode: session.mode,
    device: session.device,
    user_agent: session.userAgent,
    ip: session.ip,
    created_at: timeView(session.createdAt),
    last_used_at: timeView(session.lastUsedAt),
    expires_at: timeView(Math.min(session.idleExpiresAt, session.absoluteExpiresAt))
  }
}

export function adminSessionView(session: Session, currentSid: string) {
  return { user_id: session.userId, ...sessionView(session, currentSid) }
}

export function eventView(event: AuditEvent): Static<typeof EventsPage>['events'][number] {
  return {
    id: event.id,
    type: event.type,
    at: timeView(event.at),
    user_id: event.userId,
    session_id: event.sessionId,
    actor_id: event.actorId,
    reason: event.reason,
    note: event.note,
    ip: event.ip,
    user_agent: event.userAgent
  }
}

/** As the person it is about may see it: not what ops wrote, nor from where they did what they did. */
export function ownEventView(event: AuditEvent): Static<typeof OwnEventsPage>['events'][number] {
  const { id, type, at, sessionId, reason, actorId, userId } = event
  const { ip, userAgent } = actorId === null || actorId === userId ? event : { ip: null, userAgent: null }
  return { id, type, at: timeView(at), session_id: sessionId, reason, ip, user_agent: userAgent }
}

export function minuteView({ at, ...counts }: MinuteCounts): Static<typeof CountsResponse>['minutes'][number] {
  return { at: timeView(at), ...counts }
}

export function keyView(key: KeyWithState): Static<typeof KeysResponse>['keys'][number] {
  return {
    kid: key.kid,
    alg: key.alg,
    state: key.state,
    created_at: timeView(key.createdAt),
    signs_from: timeView(key.signsFrom),
    retires_at: key.retiresAt === null ? null : timeView(key.retiresAt)
  }
}

/** RFC 3339, UTC. */
export function timeView(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
