import type { RefusalCode } from '../core/problems.js'
import type { EndedReason } from '../core/vocabulary.js'

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

/**
 * Thrown for a request that is valid and cannot be granted. `code` is the `code` of the problem that answers it over HTTP;
 * docs/errors.md explains each.
 *
 * @example
 * ```ts
 * import { buildApp, loadConfig, Refused } from 'latchkey'
 *
 * const app = await buildApp(loadConfig({ LOG_LEVEL: 'warn' }))
 * try {
 *   await app.auth.endSession('00000000-0000-4000-8000-000000000000')
 * } catch (error) {
 *   if (error instanceof Refused) console.log(error.code) // not_found
 * }
 * await app.close()
 * ```
 */
export class Refused extends Error {
  override readonly name = 'Refused'
  constructor(
    readonly code: RefusalCode,
    readonly details: RefusalDetails = {}
  ) {
    super(details.detail ?? code)
  }
}
