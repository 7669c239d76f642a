import { type Static, Type } from 'typebox'
import type { StartedReset } from '../../../service/recovery/start-reset.js'
import { time, timeView } from '../shared.js'
import { NoteBody } from './sessions.js'

export const PasswordResetBody = Type.Object({
  deliver: Type.Enum(['mail', 'link'], { description: 'Whether the link is mailed to the user or returned.' }),
  end_sessions: Type.Optional(
    Type.Boolean({ description: 'Also end all sessions of the user, and remove the password.', default: false })
  ),
  reason: NoteBody.properties.reason
})

export const PasswordResetResponse = Type.Object({
  link: Type.Optional(Type.String({ description: 'With `deliver: "link"`. It works once.' })),
  expires_at: time
})

export function passwordResetView({ url, expiresAt }: StartedReset): Static<typeof PasswordResetResponse> {
  return { ...(url !== undefined && { link: url }), expires_at: timeView(expiresAt) }
}
