import { type Static, Type } from 'typebox'
import { sessionEnd } from '../../core/policy.js'
import { modes } from '../../core/vocabulary.js'
import type { Session } from '../../ports/index.js'
import { id, nullable, query, time, timeView } from './shared.js'
import { device } from './sign-in.js'

export const SessionResponse = Type.Object({
  current: Type.Boolean(),
  id,
  mode: Type.Enum([...modes]),
  device: nullable(Type.String()),
  user_agent: nullable(Type.String()),
  ip: nullable(Type.String()),
  created_at: time,
  last_used_at: time,
  expires_at: time
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
