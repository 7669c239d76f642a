/**
 * Every problem that a response can name: its code, which clients decide by, its status and its title. docs/errors.md
 * explains each code.
 */

/** Refusals: the request was understood and not granted. */
const refusals = {
  invalid_request: [400, 'The request does not fit its schema'],
  mode_not_allowed: [400, 'This server does not offer that mode'],
  ambiguous_credentials: [400, 'More than one credential was sent'],
  password_too_short: [400, 'The password is too short'],
  password_too_common: [400, 'The password is too common'],
  password_too_long: [400, 'The password is too long'],
  invalid_or_expired_token: [400, 'The link is not valid, or has been used or has expired'],
  invalid_scope: [400, 'The client does not have a requested scope'],
  unsupported_grant_type: [400, 'Only the grant type client_credentials is supported'],
  unsupported_token_type: [400, 'A token of this type cannot be revoked'],
  invalid_client: [401, 'The id or the secret of the client is wrong'],
  invalid_credentials: [401, 'E-mail or password is wrong'],
  missing_credentials: [401, 'No credential was sent'],
  invalid_token: [401, 'The token is not valid'],
  token_expired: [401, 'The token has expired'],
  session_revoked: [401, 'The session has ended'],
  invalid_refresh_token: [401, 'The refresh token is not valid'],
  session_ended: [401, 'The session has ended'],
  insufficient_user_authentication: [401, 'The login is too long ago for this'],
  forbidden_origin: [403, 'Requests with cookies are not accepted from this origin'],
  insufficient_scope: [403, 'The role or scope for this is missing'],
  registration_closed: [403, 'Registration is closed'],
  email_not_verified: [403, 'The address of the account is not confirmed'],
  not_found: [404, 'There is no such thing'],
  email_taken: [409, 'An account with this e-mail exists'],
  external_id_taken: [409, 'Another account has this external id'],
  last_admin: [409, 'The last admin cannot lose the role or the account'],
  too_many_secrets: [409, 'The client has two secrets already'],
  too_many_requests: [429, 'Too many requests'],
  mail_not_configured: [503, 'This server does not send mail']
} as const satisfies Problems

/** Refusals and failures: all codes. */
export const problems = {
  ...refusals,
  method_not_allowed: [405, 'The method does not fit this address'],
  request_timeout: [408, 'The request took too long to arrive'],
  body_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The content type is not understood'],
  headers_too_large: [431, 'The headers are too large'],
  internal_error: [500, 'Something went wrong here'],
  unavailable: [503, 'The service cannot serve this now']
} as const satisfies Problems

type Problems = Readonly<Record<string, readonly [status: number, title: string]>>

/** The `code` of a refusal; docs/errors.md explains each. */
export type RefusalCode = keyof typeof refusals

export type ProblemCode = keyof typeof problems
