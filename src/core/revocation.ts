import type { EndedReason } from './reasons.js'

/**
 * One entry of the revocation feed: access tokens that must be refused before their `exp`.
 *
 * - A `sid` with any reason but `roles_changed`: the session has ended, all its tokens are refused.
 * - A `sid` with `roles_changed`: the session lives, but its tokens issued up to `at` carry roles
 *   that the user no longer has; they are refused as expired, and a refresh mends it.
 * - No `sid`: every session was ended at `at`; tokens issued up to then are refused.
 */
export interface Revocation {
  /** Grows with time; a reader that has seen `id` resumes after it. */
  readonly id: bigint
  readonly sid: string | null
  readonly reason: EndedReason | 'roles_changed'
  /** Milliseconds of the database's clock. */
  readonly at: number
  /** When no token that this entry refuses can be unexpired any more, in milliseconds. */
  readonly expiresAt: number
}

/** Which access token is asked about: its session, and its `iat` in seconds. */
export interface IssuedToken {
  readonly sid: string
  readonly iat: number
}

export type Refusal = 'session_revoked' | 'token_expired'

/** What of an entry decides. A reason that this version does not know ends the session. */
export interface RevocationTerms extends Pick<Revocation, 'sid' | 'at' | 'expiresAt'> {
  readonly reason: string
}

/** Whether `revocation` refuses `token`, which is of the session it names or of any where it names none. */
export function refusalBy(revocation: RevocationTerms, token: IssuedToken): Refusal | undefined {
  const issuedBefore = token.iat <= Math.floor(revocation.at / 1000)
  if (revocation.reason === 'roles_changed') return issuedBefore ? 'token_expired' : undefined
  if (revocation.sid === null) return issuedBefore ? 'session_revoked' : undefined
  return 'session_revoked'
}

/** One entry that refuses what either refuses: an end outweighs changed roles, a later time an earlier one. */
export function strongerRevocation<Entry extends RevocationTerms>(a: Entry, b: Entry): Entry {
  const [earlier, later] = a.at <= b.at ? [a, b] : [b, a]
  const winner = later.reason === 'roles_changed' && earlier.reason !== 'roles_changed' ? earlier : later
  return { ...winner, expiresAt: Math.max(a.expiresAt, b.expiresAt) }
}
