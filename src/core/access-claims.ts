/** The claims of an access token (RFC 9068 §2.2). Times are whole seconds since the epoch. */
export interface AccessClaims {
  readonly iss: string
  readonly aud: string
  readonly sub: string
  readonly sid: string
  readonly jti: string
  readonly client_id: string
  readonly iat: number
  readonly exp: number
  readonly auth_time: number
  readonly amr: readonly string[]
  readonly roles: readonly string[]
}

/** The user and session of a request, as `request.auth` holds it behind a guard. */
export interface Auth {
  readonly userId: string
  readonly sessionId: string
  readonly roles: readonly string[]
  /** How the user authenticated (RFC 8176), such as `pwd`. */
  readonly amr: readonly string[]
  /** When the user authenticated, in seconds since the epoch. */
  readonly authTime: number
}

/** Whom the claims of an access token that was accepted speak of. */
export function authOfClaims({ sub: userId, sid: sessionId, roles, amr, auth_time: authTime }: AccessClaims): Auth {
  return { userId, sessionId, roles, amr, authTime }
}

/** The JWT header `typ` of an access token (RFC 9068 §2.1). */
export const accessTokenType = 'at+jwt'

export interface ExpectedClaims {
  readonly issuer: string
  readonly audience: string
}

export type ClaimsVerdict =
  | { readonly ok: true; readonly claims: AccessClaims }
  | { readonly ok: false; readonly error: 'invalid_token' | 'token_expired' }

const invalid = { ok: false, error: 'invalid_token' } as const

/**
 * Checks the payload of an access token whose signature is already good: every claim is there and
 * of its type, `iss` and `aud` are exactly ours, `exp` lies ahead (RFC 9068 §4, RFC 8725 §3.8-3.9).
 * `now` is in milliseconds. A token of an unknown shape is `invalid_token`, never merely expired.
 */
export function checkAccessClaims(payload: unknown, expected: ExpectedClaims, now: number): ClaimsVerdict {
  if (!isAccessClaims(payload)) return invalid
  if (payload.iss !== expected.issuer) return invalid
  if (payload.aud !== expected.audience) return invalid
  if (now >= payload.exp * 1000) return { ok: false, error: 'token_expired' }
  return { ok: true, claims: payload }
}

const textClaims = ['iss', 'aud', 'sub', 'sid', 'jti', 'client_id'] as const
const timeClaims = ['iat', 'exp', 'auth_time'] as const
const listClaims = ['amr', 'roles'] as const

function isAccessClaims(payload: unknown): payload is AccessClaims {
  if (typeof payload !== 'object' || payload === null) return false
  const claims = payload as Record<string, unknown>
  return (
    textClaims.every((name) => typeof claims[name] === 'string') &&
    timeClaims.every((name) => Number.isSafeInteger(claims[name])) &&
    listClaims.every((name) => isTextList(claims[name]))
  )
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
