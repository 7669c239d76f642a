import { type AccessClaims, type Auth, authOfClaims } from '../core/access-claims.js'
import type { CustomClaims } from '../core/custom-claims.js'
import { deepFrozen } from '../core/deep-frozen.js'
import type { VerificationKey } from './verification-key.js'

/** A good access token. Requests with the same token share this frozen object. */
export interface AcceptedToken {
  readonly ok: true
  readonly auth: Auth
  readonly claims: AccessClaims & Readonly<CustomClaims>
}

/** An accepted token and the key that verified it. */
export interface CachedToken {
  readonly result: AcceptedToken
  readonly key: VerificationKey
}

export function acceptedToken(claims: AccessClaims): AcceptedToken {
  return Object.freeze({ ok: true, claims: deepFrozen(claims), auth: Object.freeze(authOfClaims(claims)) })
}
