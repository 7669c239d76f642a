import type { EndedReason } from '../core/vocabulary.js'

/** Every refusal that a use case can give, by the stable code that clients see. */
export type RefusalCode =
  | 'invalid_request'
  | 'mode_not_allowed'
  | 'ambiguous_credentials'
  | 'password_too_short'
  | 'password_too_common'
  | 'password_too_long'
  | 'invalid_credentials'
  | 'missing_credentials'
  | 'invalid_token'
  | 'token_expired'
  | 'session_revoked'
  | 'invalid_refresh_token'
  | 'session_ended'
  | 'forbidden_origin'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'
  | 'not_found'
  | 'email_taken'
  | 'too_many_requests'

/** One field that does not fit, and why, in words for a person. */
export interface FieldError {
  readonly field: string
  readonly message: string
}

export interface RefusalDetails {
  readonly detail?: string
  /** Why the session ended; with `session_ended` only. */
  readonly reason?: EndedReason
  /** With `invalid_request`. */
  readonly errors?: readonly FieldError[]
  /** With `too_many_requests`. */
  readonly retryAfterSeconds?: number
  /** With `insufficient_user_authentication`: how long ago the login may be. */
  readonly maxAgeSeconds?: number
  /** Of the challenge of a 401, where the route takes no bearer token. */
  readonly scheme?: 'Basic'
}

/** A request that is understood and not granted. */
export class Refused extends Error {
  override readonly name = 'Refused'
  constructor(
    readonly code: RefusalCode,
    readonly details: RefusalDetails = {}
  ) {
    super(details.detail ?? code)
  }
}
