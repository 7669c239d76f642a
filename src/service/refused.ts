import { problems, type RefusalCode } from '../core/problems.js'
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
  /** With `session_ended`: a login in the same client has also replaced the session, which ended for another reason. */
  readonly replaced?: true
  /** With `invalid_request`. */
  readonly errors?: readonly FieldError[]
  /** With `too_many_requests`. */
  readonly retryAfterSeconds?: number
  /** With `insufficient_user_authentication`: the greatest age of the login. */
  readonly maxAgeSeconds?: number
  /** With `insufficient_scope`: the scope that the route requires. */
  readonly scope?: string
  /** The scheme of a 401's challenge on a route that takes no Bearer token. */
  readonly scheme?: 'Basic'
}

/**
 * Thrown by a use case that understood the request and does not grant it. Nothing was changed unless a use case says so.
 * `code` is the `code` of the problem that answers it over HTTP; docs/errors.md explains each.
 *
 * @example
 * ```ts
 * import { buildApp, loadConfig, Refused } from 'latchkey'
 *
 * const app = await buildApp(loadConfig({ LOG_LEVEL: 'warn' }))
 * try {
 *   await app.latchkey.sessions.endSession('00000000-0000-4000-8000-000000000000')
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
    super(details.detail ?? details.errors?.map(({ field, message }) => `${field} ${message}`).join(', ') ?? code)
  }

  /** The HTTP status of the problem. Fastify's own error handler answers with it on a host's route. */
  get statusCode(): number {
    return problems[this.code][0]
  }
}
