/** Status and title of what a verifier refuses; docs/errors.md of the issuer explains each. */
export const refusalProblems = {
  missing_credentials: [401, 'No credential was sent'],
  invalid_token: [401, 'The token is not valid'],
  token_expired: [401, 'The token has expired'],
  session_revoked: [401, 'The session has ended'],
  insufficient_scope: [403, 'The role for this is missing'],
  unavailable: [503, 'The service cannot serve this now']
} as const satisfies Readonly<Record<string, readonly [status: number, title: string]>>

export type RefusalCode = keyof typeof refusalProblems

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
  const made = new Map(Object.keys(refusalProblems).map((code) => [code, refused(code as RefusalCode, issuer)]))
  return (code) => made.get(code) ?? refused(code, issuer)
}

function refused(code: RefusalCode, issuer: string): RefusalResponse {
  const [status, title] = refusalProblems[code]
  const type = `${issuer.replace(/\/+$/, '')}/docs/errors.md#${code}`
  const challenge = challengeOf(code)
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

/** RFC 6750 §3: a bare challenge where nothing was sent, the error where a token was refused. */
function challengeOf(code: RefusalCode): string | undefined {
  if (code === 'unavailable') return undefined
  if (code === 'missing_credentials') return 'Bearer'
  return code === 'insufficient_scope' ? 'Bearer error="insufficient_scope"' : 'Bearer error="invalid_token"'
}
