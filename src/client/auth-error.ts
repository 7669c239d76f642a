/** What a failure is told by. */
export interface AuthErrorDetails {
  /** A code of docs/errors.md, `network_error` where no answer came, or `http_502` and the like where it was not the service's. */
  readonly code: string
  /** HTTP's; 0 where no answer came. */
  readonly status: number
  /** With `session_ended`: why. */
  readonly reason?: string | undefined
  /** With `invalid_request`: which fields. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[] | undefined
  readonly retryAfterSeconds?: number | undefined
}

/** The service refused something, or could not be reached. */
export class AuthError extends Error implements AuthErrorDetails {
  override readonly name = 'AuthError'
  readonly code: string
  readonly status: number
  readonly reason: string | undefined
  readonly errors: AuthErrorDetails['errors']
  readonly retryAfterSeconds: number | undefined

  constructor(message: string, details: AuthErrorDetails, cause?: unknown) {
    super(message, { cause })
    this.code = details.code
    this.status = details.status
    this.reason = details.reason
    this.errors = details.errors
    this.retryAfterSeconds = details.retryAfterSeconds
  }

  /** Whether the same may succeed later: the service was away, or busy. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500
  }
}

/** No credential is held, or none that the service saw. */
export function signedOutError(): AuthError {
  return new AuthError('Nobody is signed in', { code: 'missing_credentials', status: 401 })
}

/** No answer came, or not the service's: that of a proxy, or of a hotel's login page. */
export function unreachable(cause?: unknown): AuthError {
  return new AuthError('The service could not be reached', { code: 'network_error', status: 0 }, cause)
}
