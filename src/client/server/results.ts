import type { AuthError } from '../auth-error.js'
import type { HeldToken } from './known-sessions.js'
import type { Authentication } from './server-client.js'

/** The site may render for seconds before it appends the cookies, so they are read only then. */
type ReadCookies = () => readonly string[]

export function signedIn({ auth, accessToken, expiresAt }: HeldToken, read: ReadCookies): Authentication {
  return withCookies({ status: 'signed_in', auth, accessToken, expiresAt }, read)
}

export function signedOut(error: AuthError | undefined, read: ReadCookies): Authentication {
  return withCookies({ status: 'signed_out', auth: null, ...(error && { error }) }, read)
}

export function unknown(error: AuthError | undefined, read: ReadCookies): Authentication {
  return withCookies({ status: 'unknown', auth: null, ...(error && { error }) }, read)
}

function withCookies<const Result extends object>(result: Result, read: ReadCookies) {
  const property = { enumerable: true, get: read }
  return Object.defineProperty(result, 'setCookies', property) as Result & { readonly setCookies: readonly string[] }
}
