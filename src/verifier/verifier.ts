import { checkAccessClaims } from '../core/access-claims.js'
import { readBearer } from '../core/bearer.js'
import { type AcceptedToken, acceptedToken, type KeyedToken, tokenCache } from './accepted-tokens.js'
import { issuerKeys } from './issuer-keys.js'
import { checkOptions, type VerifierOptions } from './options.js'
import { type Refused, refusals } from './refusals.js'
import { followRevocations } from './revocation-follower.js'
import { readJson, readSignedToken, type SignedToken } from './signed-token.js'
import { type Surroundings, systemSurroundings } from './surroundings.js'

/** What a token is worth: who it speaks for, or the response that refuses it. */
export type Verdict = AcceptedToken | Refused

/** A verdict that is there at once where the token was seen before. */
type Soon<Value> = Value | Promise<Value>

export interface Verifier {
  /** Judges an access token. Never rejects: an issuer that is away is the refusal `unavailable`. */
  verify(token: string): Promise<Verdict>
  /** Judges the `Authorization` header of a request (RFC 6750 §2.1). Never rejects. */
  authenticate(headers: { readonly authorization?: string | undefined }): Soon<Verdict>
  /** Refuses somebody who was let in and lacks the role; undefined where they have it. */
  refuseWithoutRole(auth: AcceptedToken['auth'] | null, role: string): Refused | undefined
  /** Stops following the issuer; a process that does not call it goes on running. */
  close(): Promise<void>
}

/** At some 1 kB each, a bounded few megabytes. */
const mostTokens = 10_000

/**
 * Verifies the access tokens of a Latchkey service by itself: with the issuer's public keys, and with
 * its feed of revocations where `feed` is given. Throws a TypeError where an option does not fit.
 */
export function createVerifier(options: VerifierOptions, surroundings: Surroundings = systemSurroundings): Verifier {
  const { jwksUrl, feed, deniesWhenStale, clockToleranceMilliseconds, warn, ...expected } = checkOptions(options)
  const { now } = surroundings
  const refuse = refusals(expected.issuer)
  const keys = issuerKeys({ url: jwksUrl, surroundings, warn })
  const revocations = feed && followRevocations({ ...feed, surroundings, warn, onKeys: (kids) => keys.learn(kids) })
  const accepted = tokenCache(mostTokens)
  let starting = revocations?.started.then(() => {
    starting = undefined
  })

  const judge = (token: string): Soon<Verdict> => {
    const known = accepted.get(token)
    if (known !== undefined) return judgeKnown(token, known)
    const signed = readSignedToken(token)
    if (signed === undefined) return refuse('invalid_token')
    const renewal = keys.find(signed.kid) === undefined ? keys.renewForUnknown(signed.kid) : undefined
    return renewal === undefined ? judgeSigned(token, signed) : renewal.then(() => judgeSigned(token, signed))
  }

  const judgeSigned = (token: string, signed: SignedToken): Verdict => {
    const key = keys.find(signed.kid)
    // A key that the issuer has made since it was last heard of is not the client's fault.
    if (key === undefined) return refuse(keys.mayHaveMade(signed.kid) ? 'unavailable' : 'invalid_token')
    // The algorithm is the key's; a token only has to agree (RFC 8725 §3.1).
    if (signed.alg !== key.alg || !key.verifies(signed.input, signed.signature)) return refuse('invalid_token')
    const verdict = checkAccessClaims(readJson(signed.payload), expected, now() - clockToleranceMilliseconds)
    if (!verdict.ok) return refuse(verdict.error)
    const entry = { verdict: acceptedToken(verdict.claims), key }
    accepted.set(token, entry)
    return judgeKnown(token, entry)
  }

  /** What can change while a token lives: the time, its key, and what is revoked. */
  const judgeKnown = (token: string, { verdict, key }: KeyedToken): Verdict => {
    if (!keys.isUsable()) return refuse('unavailable')
    const { claims } = verdict
    const expired = now() - clockToleranceMilliseconds >= claims.exp * 1000
    const withdrawn = keys.find(key.kid) !== key
    if (expired || withdrawn) accepted.delete(token)
    if (withdrawn) return refuse('invalid_token')
    if (expired) return refuse('token_expired')
    const refusal = revocations?.refusal(claims)
    if (refusal !== undefined) return refuse(refusal)
    return deniesWhenStale && revocations?.isStale() ? refuse('unavailable') : verdict
  }

  const verify = (token: string): Soon<Verdict> => {
    const renewal = keys.renew()
    if (starting === undefined && renewal === undefined) return judge(token)
    return Promise.all([starting, renewal]).then(() => judge(token))
  }

  return {
    verify: async (token) => verify(token),

    authenticate({ authorization }) {
      if (authorization === undefined) return refuse('missing_credentials')
      const token = readBearer(authorization)
      return token === undefined ? refuse('invalid_token') : verify(token)
    },

    refuseWithoutRole(auth, role) {
      if (auth === null) return refuse('missing_credentials')
      return auth.roles.includes(role) ? undefined : refuse('insufficient_scope')
    },

    async close() {
      await revocations?.close()
    }
  }
}
