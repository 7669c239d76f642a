import { type AccessClaims, type Auth, authOfClaims } from '../core/access-claims.js'
import type { VerificationKey } from './verification-key.js'

/** A token whose signature and claims were good, and the key that says so. */
export interface AcceptedToken {
  readonly ok: true
  readonly auth: Auth
  readonly claims: AccessClaims
}

export interface KeyedToken {
  readonly verdict: AcceptedToken
  readonly key: VerificationKey
}

/** Every request with the same token gets the same object, so nobody may write to it. */
export function acceptedToken(claims: AccessClaims): AcceptedToken {
  for (const value of Object.values(claims)) Object.freeze(value)
  return Object.freeze({ ok: true, claims: Object.freeze(claims), auth: Object.freeze(authOfClaims(claims)) })
}

export interface TokenCache {
  readonly size: number
  get(token: string): KeyedToken | undefined
  set(token: string, entry: KeyedToken): void
  delete(token: string): void
}

/**
 * At least the `most / 2` tokens that were used last, and never more than `most`. Whether one still
 * holds is for whoever asks. Two halves instead of one list in order of use: a hit writes nothing.
 */
export function tokenCache(most: number): TokenCache {
  let young = new Map<string, KeyedToken>()
  let old = new Map<string, KeyedToken>()

  function set(token: string, entry: KeyedToken): void {
    if (young.size >= most / 2) {
      old = young
      young = new Map()
    }
    young.set(token, entry)
  }

  return {
    get size() {
      return young.size + old.size
    },

    get(token) {
      const entry = young.get(token)
      if (entry !== undefined) return entry
      const older = old.get(token)
      if (older === undefined) return undefined
      old.delete(token)
      set(token, older)
      return older
    },

    set,

    delete(token) {
      young.delete(token)
      old.delete(token)
    }
  }
}
