import {
  type IssuedToken,
  type Refusal,
  type RevocationTerms,
  refusalBy,
  strongerRevocation
} from '../core/revocation.js'

export interface RevokedTokens {
  readonly size: number
  add(entry: RevocationTerms): void
  /** Lets go of the entries that no unexpired token can meet any more. */
  sweep(now: number): void
  refusal(token: IssuedToken): Refusal | undefined
}

/** What the feed has told: at most one entry for each session that can have an unexpired token, and one for all. */
export function revokedTokens(): RevokedTokens {
  // In the order of their arrival, which is nearly that of their ends. The key null is everybody's.
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

    sweep(now) {
      for (const [sid, { expiresAt }] of entries) {
        if (expiresAt > now) return
        entries.delete(sid)
      }
    },

    refusal(token) {
      const everybodys = entries.get(null)
      const refusal = everybodys && refusalBy(everybodys, token)
      if (refusal !== undefined) return refusal
      const own = entries.get(token.sid)
      return own && refusalBy(own, token)
    }
  }
}
