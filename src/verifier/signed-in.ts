import type { HeldCredential, WatchEndReason } from '../core/signed-in-watch.js'
import { endReasonOf, type SignedInWatches, signedInWatches, type WatchesOptions } from '../core/signed-in-watches.js'
import type { AcceptedToken } from './accepted-tokens.js'
import { messageOf } from './fetch-json.js'
import type { RefusalCode, RefusalResponse } from './refusals.js'
import type { RevocationFollower } from './revocation-follower.js'
import { readSignedToken } from './signed-token.js'

export interface VerifierWatchesOptions extends Pick<WatchesOptions, 'now' | 'isStale' | 'deniesWhenStale'> {
  warn(message: string): void
}

/** The watches over open connections of a verifier. */
export function verifierWatches({ warn, ...options }: VerifierWatchesOptions): SignedInWatches {
  return signedInWatches({
    ...options,
    nextTurn: (run) => void setImmediate(run),
    everySecond(run) {
      const timer = setInterval(run, 1000).unref()
      return () => clearInterval(timer)
    },
    onFailure: (error) => warn(`An onEnd of whileSignedIn has failed: ${messageOf(error)}`)
  })
}

/** What can change during a token's life. */
export interface ChangingParts {
  isKeyKnown(kid: string): boolean
  readonly revocations: Pick<RevocationFollower, 'entryAgainst'> | undefined
}

/**
 * The token on which a connection rests, from the result of its verification; or why it was refused. `known` is the token
 * if its signature was found good before.
 */
export function watchedToken(
  token: string,
  result: AcceptedToken | RefusalResponse,
  known: AcceptedToken | undefined,
  { isKeyKnown, revocations }: ChangingParts
): HeldCredential | WatchEndReason {
  const reasonAgainst = ({ claims }: AcceptedToken) => {
    const entry = revocations?.entryAgainst(claims)
    return entry && endReasonOf(entry)
  }
  if (!result.ok) return (known && reasonAgainst(known)) ?? reasonOf(result.code)
  const kid = readSignedToken(token)?.kid ?? ''
  return {
    auth: result.auth,
    iat: result.claims.iat,
    expiresAt: result.claims.exp * 1000,
    refusal: () => (isKeyKnown(kid) ? reasonAgainst(result) : 'invalid_token')
  }
}

const sameReasons = ['session_revoked', 'token_expired', 'unavailable'] as const

function reasonOf(code: RefusalCode): WatchEndReason {
  return sameReasons.find((reason) => reason === code) ?? 'invalid_token'
}
