/** The codes of a 401 that say that the credential was refused; a wrong password, say, is something else. */
const refusals = ['token_expired', 'invalid_token', 'session_revoked', 'missing_credentials']

/** Whether a 401 with this `WWW-Authenticate` and this problem's `code` means that another credential would do better. */
export function isRefusal(challenge: unknown, code: unknown): boolean {
  return String(challenge).includes('invalid_token') || refusals.includes(String(code))
}
