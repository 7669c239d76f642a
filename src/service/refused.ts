import type { RefusalCode } from '../core/problems.js'
import type { EndedReason } from '../core/vocabulary.js'

/** One field of a request that is not valid, and why, as text for people. */
export interface FieldError {
  readonly field: string
  readonly message: string
}

export interface RefusalDetails {
  /** What went wrong this time, as text for people. */
  readonly detail?: string
  /** Why the session ended; with `session_ended` only. */
  readonly reason?: EndedReason
  /** With `invalid_request`. */
  readonly errors?: readonly FieldError[]
  /** With `too_many_requests`. */
  readonly retryAfterSeconds?: number
  /** With `insufficient_user_authentication`: the greatest age of the login. */
  readonly maxAgeSeconds?: number
  /** The scheme of a 401's challenge on a route that takes no Bearer token. */
  readonly scheme?: 'Basic'
}

/** Thrown by a use case that understood the request and does not grant it. Nothing was changed unless a use case says so. */
export class Refused extends Error {
  override readonly name = 'Refused'
  constructor(
    readonly code: RefusalCode,
    readonly details: RefusalDetails = {}
  ) {
    super(details.detail ?? code)
  }
}
