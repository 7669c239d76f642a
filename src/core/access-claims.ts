import type { CustomClaims } from './custom-claims.js'
import { isReservedClaim } from './reserved-claims.js'

/** The claims of an access token (RFC 9068 §2.2). Times are whole seconds since the epoch. */
export interface AccessClaims {
  readonly iss: string
  /** The APIs that accept the token; a text if it is one. */
  readonly aud: string | readonly string[]
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

/**
 * The claims of a machine client's access token (RFC 6749 §4.4, RFC 9068 §2.2). `sub` and `client_id` are the client, and
 * `sid` is the id of its secret. A user's token has `roles`; this one does not, so older verifiers refuse it as well.
 */
export interface ClientClaims extends Omit<AccessClaims, 'auth_time' | 'amr' | 'roles'> {
  /** The scopes, separated by spaces. */
  readonly scope: string
}

/** The machine client of a request. */
export interface ClientAuth {
  readonly clientId: string
  readonly scopes: readonly string[]
}

/** The user and the session of a request: `request.auth` on a guarded route. */
export interface Auth {
  readonly userId: string
  readonly sessionId: string
  readonly roles: readonly string[]
  /** How the user was authenticated (RFC 8176). */
  readonly amr: readonly string[]
  /** When the user was authenticated, in seconds since the epoch. */
  readonly authTime: number
  /** What the host and `TOKEN_ATTRIBUTES` add to access tokens. */
  readonly claims: Readonly<CustomClaims>
}

/** Builds `Auth` from verified claims. */
export function authOfClaims(claims: AccessClaims): Auth {
  const { sub: userId, sid: sessionId, roles, amr, auth_time: authTime } = claims
  return { userId, sessionId, roles, amr, authTime, claims: customClaimsOf(claims) }
}

/** Requests with the same token share its claims, so these are picked once for each token. */
const picked = new WeakMap<AccessClaims, Readonly<CustomClaims>>()

/** The claims of a token that are not Latchkey's own. */
function customClaimsOf(claims: AccessClaims): Readonly<CustomClaims> {
  const known = picked.get(claims)
  if (known !== undefined) return known
  const custom = Object.freeze(Object.fromEntries(Object.entries(claims).filter(([name]) => !isReservedClaim(name))))
  picked.set(claims, custom)
  return custom
}

/** Builds `ClientAuth` from verified claims. */
export function authOfClient({ client_id: clientId, scope }: ClientClaims): ClientAuth {
  return { clientId, scopes: scope.split(' ') }
}

/** Whether the claims are of a client's token, and not of a user's. */
export function isOfClient(claims: AccessClaims | ClientClaims): claims is ClientClaims {
  return !('roles' in claims)
}

/** Whether the user was authenticated at most `maxAgeSeconds` before `now`, in milliseconds. 0 accepts any time. */
export function isLoginRecent({ authTime }: Auth, maxAgeSeconds: number, now: number): boolean {
  return maxAgeSeconds === 0 || now / 1000 - authTime <= maxAgeSeconds
}

/** The JWT header `typ` of an access token (RFC 9068 §2.1). */
export const accessTokenType = 'at+jwt'

export interface ExpectedClaims {
  readonly issuer: string
  /** The token must name at least one of these. */
  readonly audiences: readonly string[]
}

export type ClaimsVerdict =
  | { readonly ok: true; readonly claims: AccessClaims | ClientClaims }
  | { readonly ok: false; readonly error: 'invalid_token' | 'token_expired' }

const invalid = { ok: false, error: 'invalid_token' } as const

/**
 * Checks the payload of an access token whose signature is good (RFC 9068 §4, RFC 8725 §3.8-3.9): every claim is there
 * and has its type, `iss` is exactly as expected, `aud` is or contains (RFC 7519 §4.1.3) an expected audience, and
 * `exp` is after `now`, in milliseconds. Anything else is `invalid_token`; only a token that is otherwise good is
 * `token_expired`. The claims can be a client's: `isOfClient` tells.
 */
export function checkAccessClaims(payload: unknown, expected: ExpectedClaims, now: number): ClaimsVerdict {
  if (!isAccessClaims(payload) && !isClientClaims(payload)) return invalid
  if (payload.iss !== expected.issuer) return invalid
  if (!isForOneOf(expected.audiences, payload.aud)) return invalid
  if (now >= payload.exp * 1000) return { ok: false, error: 'token_expired' }
  return { ok: true, claims: payload }
}

function isForOneOf(audiences: readonly string[], aud: AccessClaims['aud']): boolean {
  return typeof aud === 'string' ? audiences.includes(aud) : aud.some((audience) => audiences.includes(audience))
}

/** The `aud` claim for these audiences: a text if it is one, else a list (RFC 7519 §4.1.3). */
export function audienceClaim(audiences: readonly string[]): AccessClaims['aud'] {
  const [first = ''] = audiences
  return audiences.length > 1 ? audiences : first
}

/** Claims whose types are not checked yet. */
type Unchecked = Readonly<Partial<Record<keyof AccessClaims | keyof ClientClaims, unknown>>>

function isAccessClaims(payload: unknown): payload is AccessClaims {
  if (typeof payload !== 'object' || payload === null) return false
  const claims: Unchecked = payload
  return (
    hasCommonClaims(claims) &&
    Number.isSafeInteger(claims.auth_time) &&
    isTextList(claims.amr) &&
    isTextList(claims.roles)
  )
}

function isClientClaims(payload: unknown): payload is ClientClaims {
  if (typeof payload !== 'object' || payload === null || 'roles' in payload) return false
  const claims: Unchecked = payload
  return hasCommonClaims(claims) && claims.sub === claims.client_id && typeof claims.scope === 'string'
}

/** Written out, because it runs for each guarded request, and a loop over names would take several times as long. */
function hasCommonClaims(claims: Unchecked): boolean {
  return (
    typeof claims.iss === 'string' &&
    typeof claims.sub === 'string' &&
    typeof claims.sid === 'string' &&
    typeof claims.jti === 'string' &&
    typeof claims.client_id === 'string' &&
    (typeof claims.aud === 'string' || isTextList(claims.aud)) &&
    Number.isSafeInteger(claims.iat) &&
    Number.isSafeInteger(claims.exp)
  )
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}
