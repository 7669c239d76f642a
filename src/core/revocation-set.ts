import type { EndedReason } from './vocabulary.js'

/**
 * One entry of the revocation feed: access tokens that must be refused before their `exp`.
 *
 * - With a `sid` and any reason but `roles_changed`: the session has ended, all its tokens are refused.
 * - With a `sid` and `roles_changed`: the session lives, but its tokens issued up to `at` carry roles that
 *   the user no longer has. They are refused as expired, so that the client refreshes.
 * - `secret_deleted`: the `sid` is a secret of a client, and all tokens that it obtained are refused.
 * - Without a `sid`: the sessions of all users were ended at `at`. Tokens issued up to then are refused.
 */
export interface Revocation {
  /** Grows with time; a reader that has seen `id` resumes after it. */
  readonly id: bigint
  readonly sid: string | null
  readonly reason: EndedReason | 'roles_changed' | 'secret_deleted'
  /** Milliseconds by the database's clock. */
  readonly at: number
  /** When every token that this entry refuses has expired, in milliseconds. */
  readonly expiresAt: number
}

/** The access token to judge: its session, and its `iat` in seconds. */
export interface IssuedToken {
  readonly sid: string
  readonly iat: number
}

/** The code of the problem that answers a revoked token. */
export type Refusal = 'session_revoked' | 'token_expired'

/** The part of an entry that decides. A reason that this version does not know ends the session. */
export interface RevocationTerms extends Pick<Revocation, 'sid' | 'at' | 'expiresAt'> {
  readonly reason: string
}

/** The live revocations in memory: one entry for each revoked session, and one for all sessions. No method does I/O. */
export interface RevocationSet {
  /** The number of entries held. */
  readonly size: number
  /** Adds an entry, in any order; the set then refuses what the old or the new entry refuses. */
  add(entry: RevocationTerms): void
  /** Removes at most `max` entries that have expired at `now`, which is in milliseconds. */
  sweep(now: number, max?: number): void
  /** Why the token is refused; undefined where no entry refuses it. */
  refuses(token: IssuedToken): Refusal | undefined
  /** The entry that refuses the token; undefined where none does. */
  entryAgainst(token: IssuedToken): RevocationTerms | undefined
  /** The first millisecond at which a new token of this live session is not refused; 0 where none would be. */
  issuableFrom(sid: string): number
}

/** Makes an empty set. */
export function revocationSet(): RevocationSet {
  // In order of arrival, which is nearly the order of expiry. The key null is the entry for all sessions.
  const entries = new Map<string | null, RevocationTerms>()

  return {
    get size() {
      return entries.size
    },

    add(entry) {
      const known = entries.get(entry.sid)
      entries.delete(entry.sid)
      entries.set(entry.sid, known === undefined ? entry : strongerRevocation(known, entry))
    },

    sweep(now, max = Number.POSITIVE_INFINITY) {
      let left = max
      for (const [sid, { expiresAt }] of entries) {
        if (expiresAt > now || left <= 0) return
        entries.delete(sid)
        left -= 1
      }
    },

    refuses(token) {
      const ofAll = entries.get(null)
      const refusal = ofAll && refusalBy(ofAll, token)
      if (refusal !== undefined) return refusal
      const own = entries.get(token.sid)
      return own && refusalBy(own, token)
    },

    entryAgainst(token) {
      const candidates = [entries.get(null), entries.get(token.sid)]
      return candidates.find((entry) => entry !== undefined && refusalBy(entry, token) !== undefined)
    },

    issuableFrom(sid) {
      const own = entries.get(sid)
      const changedRoles = own?.reason === 'roles_changed' ? own : undefined
      return Math.max(secondAfter(entries.get(null)), secondAfter(changedRoles))
    }
  }
}

/** Whether `revocation` refuses `token`, which belongs to its session, or to any session where it names none. */
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

/** `iat` has whole seconds, so a token issued later in the entry's own second would still be refused. */
function secondAfter(revocation: RevocationTerms | undefined): number {
  return revocation === undefined ? 0 : (Math.floor(revocation.at / 1000) + 1) * 1000
}
