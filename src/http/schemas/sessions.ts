import { type Static, Type } from 'typebox'
import { sessionEnd } from '../../core/policy.js'
import { modes } from '../../core/vocabulary.js'
import type { Session } from '../../ports/index.js'
import { id, nullable, query, time, timeView } from './shared.js'
import { device } from './sign-in.js'

const visibleTime = Type.String({
  format: 'date-time',
  description:
    'Cut down to whole five minutes, and a use shows when its five minutes are over, so that nobody learns from it when a session is refreshed. Exact for admins.'
})

export const SessionResponse = Type.Object({
  current: Type.Boolean(),
  id,
  mode: Type.Enum([...modes]),
  device: nullable(Type.String()),
  user_agent: nullable(Type.String()),
  ip: nullable(Type.String()),
  created_at: time,
  last_used_at: visibleTime,
  expires_at: visibleTime
})
export const SessionsResponse = Type.Object({ sessions: Type.Array(SessionResponse) })

/** `currentSid` is the session of the request. */
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
    expires_at: timeView(sessionEnd(session))
  }
}

export const DeviceBody = Type.Object({ device })
export const AllQuery = query({ all: Type.Optional(Type.Boolean({ description: 'End the current session too.' })) })
