import { AuthError } from '../../client/index.js'

/** The message for a failed action. Empty if the page shows the sign-in form instead. */
export function problemWords(error: unknown): string {
  if (!(error instanceof AuthError) || error.status === 0) return unreachable
  const { code, status, retryAfterSeconds, errors, message } = error
  const known = words[code]
  if (known !== undefined) return known
  if (status === 429) return `Too many attempts. Please wait ${Math.ceil(retryAfterSeconds ?? 60)} seconds.`
  if (status >= 500) return unreachable
  const [fault] = errors ?? []
  return fault === undefined ? message : `${fault.field}: ${fault.message}`
}

const unreachable = 'The service cannot be reached now. Please try again in a moment.'

const words: Readonly<Record<string, string>> = {
  missing_credentials: '',
  invalid_token: '',
  token_expired: '',
  session_revoked: '',
  session_ended: '',
  invalid_refresh_token: '',
  email_taken: 'An account with this e-mail already exists. Sign in instead.',
  insufficient_user_authentication: 'Nothing was changed, because you did not confirm your password.',
  insufficient_scope: 'Your account is not allowed to do this.',
  last_admin: 'This is the last administrator. Give the role to another account first.',
  registration_closed: 'Registration is closed. Ask an administrator for an account.',
  email_not_verified: 'Confirm your address first: open the link in the mail that we have sent you.',
  not_found: 'This no longer exists.',
  mode_not_allowed: 'This service does not allow sign-in with a cookie (setting MODES), so its pages cannot be used.'
}
