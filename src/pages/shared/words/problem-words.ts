import { AuthError } from '../../../client/index.js'
import { say, sayIfKnown } from './language.js'
import { waitWords } from './words.js'

/** The message for a failed action. Empty if the page shows the sign-in form instead. */
export function problemWords(error: unknown): string {
  if (!(error instanceof AuthError) || error.status === 0) return say('unreachable')
  const { code, status, retryAfterSeconds, errors, message } = error
  if (endsSession.includes(code)) return ''
  const known = sayIfKnown(`problem_${code}`)
  if (known !== undefined) return known
  if (status === 429) return say('too_many_attempts', { when: waitWords(retryAfterSeconds ?? 60) })
  if (status >= 500) return say('unreachable')
  const [fault] = errors ?? []
  return fault === undefined ? message : `${fault.field}: ${fault.message}`
}

const endsSession: readonly string[] = [
  'missing_credentials',
  'invalid_token',
  'token_expired',
  'session_revoked',
  'session_ended',
  'invalid_refresh_token'
]
