import { AuthError } from '../../client/index.js'

/** What went wrong, for the person who tried; nothing where the sign-in form says it already. */
export function problemWords(error: unknown): string {
  if (!(error instanceof AuthError) || error.status === 0) return away
  const { code, status, retryAfterSeconds, errors, message } = error
  const known = words[code]
  if (known !== undefined) return known
  if (status === 429) return `Too many tries. Please wait ${Math.ceil(retryAfterSeconds ?? 60)} seconds.`
  if (status >= 500) return away
  const [fault] = errors ?? []
  return fault === undefined ? message : `${fault.field}: ${fault.message}`
}

const away = 'The service cannot be reached now. Please try again in a moment.'

const words: Readonly<Record<string, string>> = {
  missing_credentials: '',
  invalid_token: '',
  token_expired: '',
  session_revoked: '',
  session_ended: '',
  invalid_refresh_token: '',
  email_taken: 'There is an account with this e-mail already. Sign in instead.',
  insufficient_user_authentication: 'For this, sign out and in again first.',
  insufficient_scope: 'Your account may not do this.',
  not_found: 'That is gone already.',
  mode_not_allowed: 'This service does not let browsers sign in with a cookie (MODES), so its pages cannot be used.'
}
