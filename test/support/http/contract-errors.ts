import type { LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import type { Problem } from '../../../src/http/schemas/problem.js'

/** The statuses of the contract, repeated here so that a change in the code cannot change them unnoticed. */
export const contractStatus = {
  invalid_request: 400,
  mode_not_allowed: 400,
  ambiguous_credentials: 400,
  password_too_short: 400,
  password_too_common: 400,
  password_too_long: 400,
  invalid_or_expired_token: 400,
  invalid_scope: 400,
  unsupported_grant_type: 400,
  unsupported_token_type: 400,
  invalid_client: 401,
  invalid_credentials: 401,
  missing_credentials: 401,
  invalid_token: 401,
  token_expired: 401,
  session_revoked: 401,
  invalid_refresh_token: 401,
  session_ended: 401,
  insufficient_user_authentication: 401,
  forbidden_origin: 403,
  insufficient_scope: 403,
  registration_closed: 403,
  email_not_verified: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  email_taken: 409,
  last_admin: 409,
  external_id_taken: 409,
  too_many_secrets: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  too_many_requests: 429,
  headers_too_large: 431,
  internal_error: 500,
  mail_not_configured: 503,
  unavailable: 503
} as const

export type ContractCode = keyof typeof contractStatus

/** RFC 6750 §3: only a refused token gets an error in the challenge. */
const challenges: Partial<Record<ContractCode, string>> = {
  invalid_credentials: 'Bearer',
  missing_credentials: 'Bearer',
  invalid_token: 'Bearer error="invalid_token"',
  token_expired: 'Bearer error="invalid_token"',
  session_revoked: 'Bearer error="invalid_token"',
  invalid_refresh_token: 'Bearer error="invalid_token"',
  session_ended: 'Bearer error="invalid_token"',
  insufficient_user_authentication: 'Bearer error="insufficient_user_authentication", max_age="900"',
  insufficient_scope: 'Bearer error="insufficient_scope"'
}

/**
 * Checks a complete refusal: status, body, challenge, and that caches must not store it. `members` are the optional
 * members. The response must not touch cookies, unless `cookiesCleared`.
 */
export function expectProblem(
  t: Test,
  response: LightMyRequestResponse,
  code: ContractCode,
  members: Pick<Problem, 'detail' | 'reason' | 'replaced' | 'errors'> = {},
  cookiesCleared: readonly string[] = []
): void {
  const { title, ...body } = response.json<Problem>()
  t.strictSame(body, { type: `/docs/errors.md#${code}`, status: contractStatus[code], code, ...members })
  t.ok(title, 'has a title')
  t.equal(response.statusCode, contractStatus[code])
  t.equal(response.headers['content-type'], 'application/problem+json; charset=utf-8')
  t.equal(response.headers['cache-control'], 'no-store')
  t.equal(response.headers['www-authenticate'], challenges[code])
  t.strictSame(clearedCookies(response), cookiesCleared, 'clears the expected cookies')
}

/** Expects `invalid_request` that names exactly `fields`, each with a message. */
export function expectFieldErrors(t: Test, response: LightMyRequestResponse, fields: readonly string[]): void {
  const { errors = [] } = response.json<Problem>()
  t.strictSame(errors.map(({ field }) => field).sort(), [...fields].sort())
  t.ok(errors.every(({ message }) => message.length > 0))
  expectProblem(t, response, 'invalid_request', { errors })
}

/** The names of the cookies that a response clears. Throws if it sets one. */
function clearedCookies({ cookies }: LightMyRequestResponse): readonly string[] {
  return cookies.map(({ name, value, expires }) => {
    if (value !== '' || expires?.getTime() !== 0) throw new Error(`The response sets ${name}.`)
    return name
  })
}
