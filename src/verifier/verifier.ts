import { type Auth, type ClientAuth, checkAccessClaims, isLoginRecent } from '../core/access-claims.js'
import { readBearer } from '../core/bearer.js'
import { recentlyUsed } from '../core/recently-used.js'
import type { HeldCredential, SignedInWatch, WatchEndReason, WatchOptions } from '../core/signed-in-watch.js'
import { type AcceptedClientToken, type AcceptedToken, acceptedToken, type CachedToken } from './accepted-tokens.js'
import { issuerKeys } from './issuer-keys.js'
import { fetchIssuerName, issuerMismatch, mismatchWarnings } from './issuer-name.js'
import { checkOptions, type VerifierOptions } from './options.js'
import { type RefusalResponse, refusals } from './refusals.js'
import { followRevocations } from './revocation-follower.js'
import { type Runtime, systemRuntime } from './runtime.js'
import { verifierWatches, watchedToken } from './signed-in.js'
import { readJson, readSignedToken, type SignedToken } from './signed-token.js'

/** The claims and `auth` of a good token (`ok: true`), or the response that refuses the request (`ok: false`). */
export type VerificationResult = AcceptedToken | RefusalResponse

/** The claims and `client` of a machine client's good token, or the response that refuses the request. */
export type ClientVerificationResult = AcceptedClientToken | RefusalResponse

type AnyResult = AcceptedToken | AcceptedClientToken | RefusalResponse

/** Not a promise if the result needs no I/O. */
type MaybePromise<Value> = Value | Promise<Value>

/** Verifies access tokens; `createVerifier` makes one. Only `ready` can reject. */
export interface Verifier {
  /**
   * Resolves when the service has answered for the first time, or after five seconds. Rejects if no token or revocation
   * of it can ever be accepted: it refuses the credential of the feed, or has another name than `issuer`. An unreachable
   * service is not an error, because it may start later. Awaiting it is optional: `warn` gets the same message.
   */
  ready(): Promise<void>
  /**
   * Verifies a user's access token. The refusal is `unavailable` if the issuer's keys cannot be fetched, and
   * `insufficient_scope` if it is the token of a machine client.
   */
  verify(token: string): Promise<VerificationResult>
  /** Verifies the `Authorization: Bearer` header of a request (RFC 6750 §2.1). */
  authenticate(headers: { readonly authorization?: string | undefined }): MaybePromise<VerificationResult>
  /**
   * Verifies the `Authorization: Bearer` header of a machine client that must have `scope`. The refusal is
   * `insufficient_scope` if it lacks the scope, and for the token of a user.
   */
  authenticateClient(
    headers: { readonly authorization?: string | undefined },
    scope: string
  ): MaybePromise<ClientVerificationResult>
  /** The response for an authenticated user without `role`, and for a machine client; undefined if `auth` has the role. */
  refuseWithoutRole(auth: Auth | ClientAuth | null, role: string): RefusalResponse | undefined
  /**
   * The response for an authenticated user whose last login is longer ago than `maxAgeSeconds` (RFC 9470), and for a
   * machine client; undefined if the login is recent.
   */
  refuseWithoutRecentLogin(auth: Auth | ClientAuth | null, maxAgeSeconds: number): RefusalResponse | undefined
  /**
   * For a connection that outlives its request, such as a WebSocket or a stream of events: calls `onEnd` once when the
   * session has ended anywhere, or the token has expired. Pass the headers of a request, or an access token that came in
   * another way. Without `feed` only the token's own end is known.
   */
  whileSignedIn(
    credential: { readonly authorization?: string | undefined } | string,
    options: WatchOptions
  ): SignedInWatch
  /** Ends all watches, and the connections to the service. Until then the feed keeps the process alive. */
  close(): Promise<void>
}

/** A verifier whose open connections can be ended first, while it still verifies. */
export interface VerifierOfApp extends Verifier {
  /** Calls `onEnd` of all watches, and from now on of each new one, with `closing`. */
  endWatches(): Promise<void>
}

/** About 1 kB each, so a few megabytes at most. */
const maxCachedTokens = 10_000

/**
 * Creates a verifier of a Latchkey service's access tokens (RFC 9068), for servers without Fastify. It needs no call to
 * the service per token: it fetches the public keys (RFC 7517) and, with `feed`, follows the revocations. Throws a
 * TypeError that names an invalid option.
 *
 * @example
 * ```ts
 * import { createVerifier } from 'latchkey/verifier'
 *
 * const issuer = 'https://auth.example.com'
 * const verifier = createVerifier({ issuer, audience: issuer })
 *
 * const good = await verifier.authenticate({ authorization: `Bearer ${accessToken}` })
 * if (good.ok) console.log(good.auth.roles, good.claims.iss === issuer) // [] true
 *
 * const bad = await verifier.verify('not.a.token')
 * if (!bad.ok) console.log(bad.status, bad.code) // 401 invalid_token
 * await verifier.close()
 * ```
 */
export function createVerifier(options: VerifierOptions, runtime: Runtime = systemRuntime): Verifier {
  const { endWatches, ...verifier } = verifierOfApp(options, runtime)
  return verifier
}

/** The same, for the Fastify plugin. */
export function verifierOfApp(options: VerifierOptions, given: Runtime = systemRuntime): VerifierOfApp {
  const {
    jwksUrl,
    metadataUrl,
    feed,
    fetch = given.fetch,
    deniesWhenStale,
    clockToleranceMilliseconds,
    warn,
    ...expected
  } = checkOptions(options)
  const runtime = { ...given, fetch }
  const { now } = runtime
  const closing = new AbortController()
  const refuse = refusals(expected.issuer)
  const keys = issuerKeys(jwksUrl, runtime, warn)
  const watches = verifierWatches({
    now: () => now() - clockToleranceMilliseconds,
    isStale: () => revocations?.isStale() ?? false,
    deniesWhenStale,
    warn
  })
  const onKeys = (kids: readonly string[]) => {
    keys.setPublishedKids(kids)
    watches.recheck()
  }
  const revocations = feed && followRevocations({ ...feed, runtime, warn, onEntry: watches.revoke, onKeys })
  const cache = recentlyUsed<CachedToken>(maxCachedTokens)
  let starting = revocations?.started.then(() => {
    starting = undefined
  })
  const mismatches = mismatchWarnings(expected, warn)
  const ready = Promise.all([checkIssuerName(), checkCredential()])
  // Awaiting `ready` is optional, so its rejection must not count as unhandled.
  ready.catch(() => undefined)

  async function checkIssuerName(): Promise<void> {
    const named = await fetchIssuerName(runtime, metadataUrl, closing.signal)
    if (named === undefined || named === expected.issuer) return
    mismatches.noteIssuer(named)
    throw new Error(issuerMismatch(expected.issuer, named))
  }

  async function checkCredential(): Promise<void> {
    await revocations?.started
    const refused = revocations?.refusedCredential()
    if (refused !== undefined) throw refused
  }

  const verifyToken = (token: string): MaybePromise<AnyResult> => {
    const cached = cache.get(token)
    if (cached !== undefined) return checkCached(token, cached)
    const signed = readSignedToken(token)
    if (signed === undefined) return refuse('invalid_token')
    const renewal = keys.find(signed.kid) === undefined ? keys.renewForUnknownKey(signed.kid) : undefined
    return renewal === undefined ? verifySigned(token, signed) : renewal.then(() => verifySigned(token, signed))
  }

  const verifySigned = (token: string, signed: SignedToken): AnyResult => {
    const key = keys.find(signed.kid)
    // If the issuer was unreachable, the token may be good and its key unknown: that is not the client's fault.
    if (key === undefined) return refuse(keys.mayBeNew(signed.kid) ? 'unavailable' : 'invalid_token')
    // The key determines the algorithm, and the token must name the same one (RFC 8725 §3.1).
    if (signed.alg !== key.alg || !key.verifies(signed.input, signed.signature)) return refuse('invalid_token')
    const payload = readJson(signed.payload)
    const checked = checkAccessClaims(payload, expected, now() - clockToleranceMilliseconds)
    if (!checked.ok) {
      mismatches.noteSignedPayload(payload)
      return refuse(checked.error)
    }
    const entry = { result: acceptedToken(checked.claims), key }
    cache.set(token, entry)
    return checkCached(token, entry)
  }

  /** Checks what can change during a token's life: the time, its key, and revocations. */
  const checkCached = (token: string, { result, key }: CachedToken): AnyResult => {
    if (!keys.isUsable()) return refuse('unavailable')
    const { claims } = result
    const isExpired = now() - clockToleranceMilliseconds >= claims.exp * 1000
    const isWithdrawn = keys.find(key.kid) !== key
    if (isExpired || isWithdrawn) cache.delete(token)
    if (isWithdrawn) return refuse('invalid_token')
    if (isExpired) return refuse('token_expired')
    const refusal = revocations?.refusal(claims)
    if (refusal !== undefined) return refuse(refusal)
    return deniesWhenStale && revocations?.isStale() ? refuse('unavailable') : result
  }

  const verifyAny = (token: string): MaybePromise<AnyResult> => {
    const renewal = keys.renew()
    if (starting === undefined && renewal === undefined) return verifyToken(token)
    return Promise.all([starting, renewal]).then(() => verifyToken(token))
  }

  /** Judges the result for the Bearer token of a request, without waiting if possible. */
  function authenticate<Result>(authorization: string | undefined, judge: (result: AnyResult) => Result) {
    if (authorization === undefined) return judge(refuse('missing_credentials'))
    const token = readBearer(authorization)
    if (token === undefined) return judge(refuse('invalid_token'))
    const result = verifyAny(token)
    return result instanceof Promise ? result.then(judge) : judge(result)
  }

  const ofUser = (result: AnyResult): VerificationResult => ('client' in result ? refuse('insufficient_scope') : result)

  const ofClient = (result: AnyResult, scope: string): ClientVerificationResult => {
    if (!result.ok || ('client' in result && result.client.scopes.includes(scope))) return result
    return refuse('insufficient_scope', { scope })
  }

  const opened = (token: string): MaybePromise<HeldCredential | WatchEndReason> => {
    const held = (result: AnyResult) => {
      const known = cache.get(token)?.result
      return watchedToken(token, ofUser(result), known && 'auth' in known ? known : undefined, {
        isKeyKnown: (kid) => keys.find(kid) !== undefined,
        revocations
      })
    }
    const result = verifyAny(token)
    return result instanceof Promise ? result.then(held) : held(result)
  }

  return {
    ready: async () => void (await ready),

    verify: async (token) => ofUser(await verifyAny(token)),

    authenticate: ({ authorization }) => authenticate(authorization, ofUser),

    authenticateClient: ({ authorization }, scope) => authenticate(authorization, (result) => ofClient(result, scope)),

    refuseWithoutRole(auth, role) {
      if (auth === null) return refuse('missing_credentials')
      if ('clientId' in auth) return refuse('insufficient_scope')
      return auth.roles.includes(role) ? undefined : refuse('insufficient_scope')
    },

    refuseWithoutRecentLogin(auth, maxAgeSeconds) {
      if (auth === null) return refuse('missing_credentials')
      if ('clientId' in auth) return refuse('insufficient_scope')
      return isLoginRecent(auth, maxAgeSeconds, now())
        ? undefined
        : refuse('insufficient_user_authentication', { maxAgeSeconds })
    },

    whileSignedIn(credential, options) {
      // Both may be what a stranger sent in a message.
      const authorization: unknown = typeof credential === 'string' ? undefined : credential?.authorization
      const inHeader = typeof authorization === 'string' ? readBearer(authorization) : undefined
      const token = typeof credential === 'string' ? credential : inHeader
      return watches.start(token === undefined ? 'invalid_token' : opened(token), opened, options)
    },

    endWatches: watches.close,

    async close() {
      closing.abort()
      await watches.close()
      await revocations?.close()
    }
  }
}
