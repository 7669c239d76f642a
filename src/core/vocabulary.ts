/** Words, patterns and limits that several parts share: each of them is written here alone. */

/** How a client holds its session. The README compares the modes. */
export const modes = ['cookie', 'body', 'session', 'access'] as const

export type Mode = (typeof modes)[number]

/** Why a session ended. On the wire it is `reason` of `session_ended`; the event log has it too. */
export const endedReasons = [
  'logged_out',
  'replaced',
  'revoked_by_user',
  'revoked_by_admin',
  'reuse_detected',
  'password_changed',
  'password_reset',
  'user_disabled',
  'session_limit',
  'idle_timeout',
  'absolute_timeout'
] as const

export type EndedReason = (typeof endedReasons)[number]

export function isEndedReason(text: string): text is EndedReason {
  return (endedReasons as readonly string[]).includes(text)
}

/** Why a late refresh token was answered: the `reason` of `refresh_recovered` in the event log (docs/rotation.md). */
export type RecoveryReason = 'idempotency_key' | 'recovery'

/** The algorithms that can sign access tokens (RFC 7518 §3.1, RFC 8037 §3.1). */
export const signingAlgorithms = ['ES256', 'EdDSA', 'RS256', 'HS256'] as const

export type SigningAlgorithm = (typeof signingAlgorithms)[number]

export function isSigningAlgorithm(text: string): text is SigningAlgorithm {
  return (signingAlgorithms as readonly string[]).includes(text)
}

/** The role that opens the admin routes. */
export const adminRole = 'admin'

/** The name of a role, as the source of a regular expression: short, lower-case, safe in logs and shells. */
export const rolePattern = '^[a-z][a-z0-9_-]{0,31}$'

/** A user holds at most this many roles, so that every access token stays small. */
export const maxRoles = 16

/** A language tag (RFC 5646), such as `de` or `pt-BR`, as the source of a regular expression. */
export const localePattern = '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$'

/** The id of a user or a session: a lower-case UUID, as the source of a regular expression, without anchors. */
export const uuidPattern = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'

/** The length of a page of a listing. */
export const maxPageLimit = 200
export const defaultPageLimit = 50

/**
 * A user holds at most this many sessions: the highest value of `MAX_SESSIONS_PER_USER`. It bounds every statement that
 * lists or ends the sessions of one user.
 */
export const maxSessionsOfUser = 10_000

/** Live sessions are counted no further than this, so that counting has a bounded cost. */
export const maxCountedSessions = 10_000

/** The counts of mails of each state stop here, for the same reason. */
export const maxCountedMails = 10_000

/** The end of everybody's sessions counts no more than this, for the same reason. */
export const maxCountedRevoked = 100_000

/** Browsers keep a cookie no longer (RFC 6265bis §5.5). */
export const maxCookieLifeSeconds = 400 * 86_400

/** A root secret has at least this many bytes. */
export const minRootSecretBytes = 32
