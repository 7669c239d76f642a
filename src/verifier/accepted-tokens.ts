import {
  type AccessClaims,
  type Auth,
  authOfClaims,
  authOfClient,
  type ClientAuth,
  type ClientClaims,
  isOfClient
} from '../core/access-claims.js'
import type { CustomClaims } from '../core/custom-claims.js'
import { deepFrozen } from '../core/deep-frozen.js'
import type { VerificationKey } from './verification-key.js'

/** A good access token. Requests with the same token share this frozen object. */
export interface AcceptedToken {
  readonly ok: true
  readonly auth: Auth
  readonly claims: AccessClaims & Readonly<CustomClaims>
}

/** A good access token of a machine client. Requests with the same token share this frozen object. */
export interface AcceptedClientToken {
  readonly ok: true
  readonly client: ClientAuth
  readonly claims: ClientClaims
}

/** An accepted token and the key that verified it. */
export interface CachedToken {
  readonly result: AcceptedToken | AcceptedClientToken
  readonly key: VerificationKey
}

export function acceptedToken(claims: AccessClaims | ClientClaims): AcceptedToken | AcceptedClientToken {
  deepFrozen(claims)
  if (!isOfClient(claims)) return Object.freeze({ ok: true, claims, auth: Object.freeze(authOfClaims(claims)) })
  const client = authOfClient(claims)
  Object.freeze(client.scopes)
  return Object.freeze({ ok: true, claims, client: Object.freeze(client) })
}
