import { type ProblemCode, problems } from './problems.js'

/**
 * The token in an `Authorization: Bearer` header (RFC 6750 §2.1); undefined for any other header value. The scheme is
 * case-insensitive (RFC 9110 §11.1). The token's characters are checked, its meaning is not.
 */
export function readBearer(authorization: string): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization)?.[1]
}

/**
 * The `WWW-Authenticate` challenge of a refusal (RFC 6750 §3; RFC 9470 §3 with `maxAgeSeconds`): without an error where no
 * credential was refused; undefined where the response has no challenge.
 */
export function bearerChallenge(code: ProblemCode, maxAgeSeconds?: number): string | undefined {
  if (code === 'insufficient_user_authentication') return `Bearer error="${code}", max_age="${maxAgeSeconds}"`
  if (code === 'insufficient_scope') return 'Bearer error="insufficient_scope"'
  if (problems[code][0] !== 401) return undefined
  const isBare = code === 'missing_credentials' || code === 'invalid_credentials'
  return isBare ? 'Bearer' : 'Bearer error="invalid_token"'
}
