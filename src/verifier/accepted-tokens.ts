import { type AccessClaims, type Auth, authOfClaims } from '../core/access-claims.js'
import type { VerificationKey } from './verification-key.js'

/** A good access token. Requests with the same token share this frozen object. */
export interface AcceptedToken {
  readonly ok: true
  readonly auth: Auth
  readonly claims: AccessClaims
}

/** An accepted token and the key that verified it. */
export interface CachedToken {
  readonly result: AcceptedToken
  readonly key: VerificationKey
}

export function acceptedToken(claims: AccessClaims): AcceptedToken {
  for (const value of Object.values(claims)) Object.freeze(value)
  return Object.freeze({ ok: true, claims: Object.freeze(claims), auth: Object.freeze(authOfClaims(claims)) })
}

/**
 * Holds the most recently used tokens: at least `max / 2`, at most `max`. The caller checks whether a token is still
 * good. Two halves in place of one list in order of use, so that a hit in the young half writes nothing.
 */
export function tokenCache(max: number) {
  let young = new Map<string, CachedToken>()
  let old = new Map<string, CachedToken>()

  function set(token: string, entry: CachedToken): void {
    if (young.size >= max / 2) {
      old = young
      young = new Map()
    }
    young.set(token, entry)
  }

  return {
    get size() {
      return young.size + old.size
    },

    get(token: string): CachedToken | undefined {
      const entry = young.get(token)
      if (entry !== undefined) return entry
      const older = old.get(token)
      if (older === undefined) return undefined
      old.delete(token)
      set(token, older)
      return older
    },

    set,

    delete(token: string): void {
      young.delete(token)
      old.delete(token)
    }
  }
}
