import { bearerChallenge } from '../core/bearer.js'
import { issuerAddresses } from '../core/issuer-addresses.js'
import { type ProblemCode, problems } from '../core/problems.js'

export const refusalCodes = [
  'missing_credentials',
  'invalid_token',
  'token_expired',
  'session_revoked',
  'insufficient_user_authentication',
  'insufficient_scope',
  'unavailable'
] as const satisfies readonly ProblemCode[]

/** The code of a problem that a verifier answers with; the issuer's docs/errors.md explains each. */
export type RefusalCode = (typeof refusalCodes)[number]

/** The whole HTTP response to a request that the verifier refuses: 401, 403 or 503. */
export interface RefusalResponse {
  readonly ok: false
  readonly code: RefusalCode
  readonly status: number
  /** `Content-Type`, `Cache-Control`, and `WWW-Authenticate` (RFC 6750 §3) or `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>
  /** Problem details as JSON (RFC 9457 §3.1). */
  readonly body: string
}

/**
 * `maxAgeSeconds` goes with `insufficient_user_authentication`: how old a login may be. `scope` goes with
 * `insufficient_scope`: the scope that a machine client must have.
 */
interface RefusalParameters {
  readonly maxAgeSeconds?: number
  readonly scope?: string
}

export type Refuse = (code: RefusalCode, parameters?: RefusalParameters) => RefusalResponse

/** Long enough for a service that was briefly unreachable. */
const retryAfterSeconds = 2

/** Creates every refusal that has no parameter once. */
export function refusals(issuer: string): Refuse {
  const created = new Map(refusalCodes.map((code) => [code, refusalResponse(code, issuer)]))
  return (code, parameters) => {
    const ready = parameters === undefined ? created.get(code) : undefined
    return ready ?? refusalResponse(code, issuer, parameters)
  }
}

function refusalResponse(code: RefusalCode, issuer: string, parameters?: RefusalParameters): RefusalResponse {
  const [status, title] = problems[code]
  const type = `${issuerAddresses(issuer).base}/docs/errors.md#${code}`
  const challenge = bearerChallenge(code, parameters)
  return Object.freeze({
    ok: false,
    code,
    status,
    headers: Object.freeze({
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      ...(challenge !== undefined && { 'www-authenticate': challenge }),
      ...(code === 'unavailable' && { 'retry-after': String(retryAfterSeconds) })
    }),
    body: JSON.stringify({ type, title, status, code })
  })
}
