import { type Static, Type } from 'typebox'
import { maxCountedRevoked } from '../../../core/vocabulary.js'
import type { Session } from '../../../ports/index.js'
import { SessionResponse, sessionView } from '../sessions.js'
import { id, line, nextCursor, page, query, requestId } from '../shared.js'

export const SessionsQuery = query({
  ...page,
  user_id: Type.Optional(requestId),
  ip: Type.Optional(line(1, 64, 'The address of the login.'))
})

const AdminSession = Type.Object({ user_id: id, ...SessionResponse.properties })
export const AdminSessionsResponse = Type.Object({ sessions: Type.Array(AdminSession) })
export const AdminSessionsPage = Type.Object({ sessions: Type.Array(AdminSession), next_cursor: nextCursor })

/** `currentSid` is the session of the request. */
export function adminSessionView(session: Session, currentSid: string): Static<typeof AdminSession> {
  return { user_id: session.userId, ...sessionView(session, currentSid) }
}

export const NoteBody = Type.Object({ reason: Type.Optional(line(0, 500, 'Why, for the audit log.')) })
export const RevokedOfAllResponse = Type.Object({
  revoked: Type.Integer({
    description: `How many sessions ended; the count stops at ${maxCountedRevoked.toLocaleString('en')}.`
  })
})
export const RevokeAllBody = Type.Object({ confirm: Type.Literal('revoke-all') })
