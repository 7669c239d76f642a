import { bearerChallenge } from '../core/bearer.js'
import { type ProblemCode, problems } from '../core/problems.js'

/** The problems that a verifier answers with; docs/errors.md of the issuer explains each. */
export const refusalCodes = [
  'missing_credentials',
  'invalid_token',
  'token_expired',
  'session_revoked',
  'insufficient_scope',
  'unavailable'
] as const satisfies readonly ProblemCode[]

export type RefusalCode = (typeof refusalCodes)[number]

/** A request that is not let in, and the whole response that says so. */
export interface RefusalResponse {
  readonly ok: false
  readonly code: RefusalCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** JSON of problem details (RFC 9457 §3.1). */
  readonly body: string
}

export type Refuse = (code: RefusalCode) => RefusalResponse

/** By the time that passes, an issuer that was away for a moment can be asked again. */
const retryAfterSeconds = 2

/** Every refusal there is, made once. */
export function refusals(issuer: string): Refuse {
  const made = new Map(refusalCodes.map((code) => [code, refused(code, issuer)]))
  return (code) => made.get(code) ?? refused(code, issuer)
}

function refused(code: RefusalCode, issuer: string): RefusalResponse {
  const [status, title] = problems[code]
  const type = `${issuer.replace(/\/+$/, '')}/docs/errors.md#${code}`
  const challenge = bearerChallenge(code)
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
