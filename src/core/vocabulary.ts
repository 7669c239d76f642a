/** Why a session ended. On the wire as `reason` of `session_ended`, and in the event log. */
export const endedReasons = [
  'logged_out',
  'revoked_by_user',
  'revoked_by_admin',
  'reuse_detected',
  'password_changed',
  'user_disabled',
  'session_limit',
  'idle_timeout',
  'absolute_timeout'
] as const

export type EndedReason = (typeof endedReasons)[number]

export function isEndedReason(text: string): text is EndedReason {
  return (endedReasons as readonly string[]).includes(text)
}
