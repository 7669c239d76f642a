/** What an `AuthError` says about a failure. */
export interface AuthErrorDetails {
  /**
   * A code of docs/errors.md; `network_error` without a response; `http_502` and the like if a proxy answered;
   * `storage_error` if `storage` or `keyStorage` could not be read.
   */
  readonly code: string
  /** The HTTP status; 0 without a response. */
  readonly status: number
  /** With `session_ended`: why the session ended. */
  readonly reason?: string | undefined
  /** With `session_ended`: a login in the same client has also replaced the session. */
  readonly replaced?: boolean | undefined
  /** With `invalid_request`: the fields that are wrong, and why. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[] | undefined
  /** From `Retry-After` (RFC 9110 §10.2.3). */
  readonly retryAfterSeconds?: number | undefined
}

/**
 * The service refused a request or could not be reached. `code` says why. `message` is English text for people.
 *
 * @example
 * ```ts
 * import { AuthError, createAuthClient } from 'latchkey/client'
 *
 * const auth = createAuthClient({ baseURL: 'https://auth.example.com', mode: 'body' })
 * try {
 *   await auth.login({ email: 'ada@example.com', password: 'not her password' })
 * } catch (error) {
 *   if (!(error instanceof AuthError)) throw error
 *   console.log(error.code, error.status, error.isTemporary) // invalid_credentials 401 false
 * }
 * auth.close()
 * ```
 */
export class AuthError extends Error implements AuthErrorDetails {
  override readonly name = 'AuthError'
  declare readonly code: string
  declare readonly status: number
  declare readonly reason: string | undefined
  declare readonly replaced: boolean | undefined
  declare readonly errors: AuthErrorDetails['errors']
  declare readonly retryAfterSeconds: number | undefined

  constructor(message: string, details: AuthErrorDetails, cause?: unknown) {
    super(message, { cause })
    Object.assign(this, details)
  }

  /** Whether the same request may succeed later: the service was busy or could not be reached. */
  get isTemporary(): boolean {
    return [0, 408, 429].includes(this.status) || this.status >= 500
  }
}

/** The client holds no credential, or the service saw none. */
export function signedOutError(): AuthError {
  return new AuthError('Nobody is signed in', { code: 'missing_credentials', status: 401 })
}

/** No response came, or a response that is not the service's, such as a hotel's login page. */
export function unreachable(cause?: unknown): AuthError {
  return new AuthError('The service could not be reached', { code: 'network_error', status: 0 }, cause)
}
