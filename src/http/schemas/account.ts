import { type Static, Type } from 'typebox'
import type { JsonObject } from '../../core/merge-patch.js'
import type { AuditEvent } from '../../ports/index.js'
import type { OwnAccount } from '../../service/accounts/read-account.js'
import { Event } from './admin/events.js'
import { UserResponse, userView } from './admin/users.js'
import { id, nextCursor, page, query, text, timeView } from './shared.js'
import { password } from './sign-in.js'

export const MeResponse = Type.Object({
  ...Type.Omit(UserResponse, ['disabled', 'external_id', 'attributes']).properties,
  attributes: Type.Unsafe<JsonObject>(
    Type.Object(
      {},
      { additionalProperties: true, description: 'Those that are in access tokens (`TOKEN_ATTRIBUTES`).' }
    )
  ),
  has_password: Type.Boolean({
    description: 'If false, `POST /password` and `DELETE /me` need a recent login instead of the password.'
  }),
  external: Type.Boolean({
    description:
      'Whether a host signs the person in (`app.latchkey.startSession`). A new password or address does not end that.'
  }),
  session_id: id
})

export function meView(account: OwnAccount, sessionId: string): Static<typeof MeResponse> {
  const { disabled: _disabled, external_id: externalId, ...view } = userView(account)
  return { ...view, has_password: account.hasPassword, external: externalId !== null, session_id: sessionId }
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

/** Optional in the schema, because an account without a password has none to send. */
const currentPassword = Type.Optional(
  text(10_000, 'Required if the account has a password (`has_password` of `/me`). Otherwise the login must be recent.')
)

export const PasswordBody = Type.Object({ current_password: currentPassword, new_password: password })
export const ReauthenticateBody = Type.Object({ password })
export const DeleteAccountBody = Type.Object({ password: currentPassword })
