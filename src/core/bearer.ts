import { type ProblemCode, problems } from './problems.js'

const usual = 'Bearer '

/**
 * The token in an `Authorization: Bearer` header (RFC 6750 §2.1); undefined for any other header value. The scheme is
 * case-insensitive (RFC 9110 §11.1). The token's characters are not checked here: only a text that was issued as a token
 * is accepted, and a check of several hundred characters would take longer than the rest of a guard.
 */
export function readBearer(authorization: unknown): string | undefined {
  // Other servers and callers without types may have a list of headers.
  if (typeof authorization !== 'string') return undefined
  if (authorization.startsWith(usual) && authorization.length > usual.length && authorization[usual.length] !== ' ') {
    return authorization.slice(usual.length)
  }
  return /^Bearer +([^ ].*)$/i.exec(authorization)?.[1]
}

/**
 * The `WWW-Authenticate` challenge of a refusal (RFC 6750 §3; RFC 9470 §3 with `maxAgeSeconds`): without an error where no
 * credential was refused; undefined where the response has no challenge. `scope` is the one that the route requires.
 */
export function bearerChallenge(
  code: ProblemCode,
  { maxAgeSeconds, scope }: { readonly maxAgeSeconds?: number | undefined; readonly scope?: string | undefined } = {}
): string | undefined {
  if (code === 'insufficient_user_authentication') return `Bearer error="${code}", max_age="${maxAgeSeconds}"`
  if (code === 'insufficient_scope') return `Bearer error="${code}"${scope === undefined ? '' : `, scope="${scope}"`}`
  if (problems[code][0] !== 401) return undefined
  const isBare = code === 'missing_credentials' || code === 'invalid_credentials'
  return isBare ? 'Bearer' : 'Bearer error="invalid_token"'
}
