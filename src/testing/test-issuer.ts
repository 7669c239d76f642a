import { randomUUID } from 'node:crypto'
import { issuerAddresses } from '../core/issuer-addresses.js'
import type { EndedReason, SigningAlgorithm } from '../core/vocabulary.js'
import type { VerifierOptions } from '../verifier/options.js'
import { serve } from './serve.js'
import { makeKey, signToken } from './signing.js'
import { testFeed } from './test-feed.js'

/** Options of `testIssuer`. */
export interface TestIssuerOptions {
  /** Its address, and the `iss` of its tokens; `https://issuer.test` by default, or the address of `port`. */
  readonly url?: string | undefined
  /** The `aud` of its tokens; its address by default, as the service's `AUDIENCE`. */
  readonly audience?: string | undefined
  /** Serves at this port of 127.0.0.1 too, for a service in another process; 0 is any free one. */
  readonly port?: number | undefined
  /** The algorithm of its keys; ES256 by default. */
  readonly alg?: Exclude<SigningAlgorithm, 'HS256'> | undefined
  /** Its clock, in milliseconds since the epoch; `Date.now` by default. */
  readonly now?: (() => number) | undefined
}

/** What an access token says. Each member has a default. */
export interface TestTokenOptions {
  /** The user; with `scope` the machine client. */
  readonly sub?: string | undefined
  /** The session, for `revoke`. */
  readonly sid?: string | undefined
  /** None by default. */
  readonly roles?: readonly string[] | undefined
  /** `['pwd']` by default. */
  readonly amr?: readonly string[] | undefined
  /** When the user was authenticated, in seconds since the epoch; now by default. */
  readonly authTime?: number | undefined
  /** Makes the token of a machine client with these scopes, separated by spaces. */
  readonly scope?: string | undefined
  /** Further claims. They replace those of the same name. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined
  /** 600 by default. A negative number makes a token that has expired. */
  readonly expiresInSeconds?: number | undefined
}

/** Takes the place of a Latchkey service, for the tests of an app with the verifier. `testIssuer` makes one. */
export interface TestIssuer {
  readonly url: string
  readonly audience: string
  /** The options of a verifier that accepts its tokens and follows its feed. */
  readonly verifierOptions: VerifierOptions
  /** An access token that the verifier accepts. */
  token(options?: TestTokenOptions): string
  /**
   * Revokes a session, or with null everybody's. When this resolves, a verifier in this process refuses the tokens. One
   * that reads from `port` does so a moment later.
   */
  revoke(sid: string | null, reason?: EndedReason): Promise<void>
  /** Signs with a new key from now on. Tokens of older keys stay good, unless `revokeOld` is true. */
  rotateKey(options?: { readonly revokeOld?: boolean | undefined }): Promise<void>
  /** Ends the feed and closes the port. Close the app under test first. */
  close(): Promise<void>
}

/**
 * Takes the place of a Latchkey service in the tests of an app with the verifier: it has keys, a feed of revocations, and
 * the tokens that a test needs. Without `port` it opens none: `verifierOptions` has a `fetch` that reaches it.
 *
 * @example
 * ```ts
 * import Fastify from 'fastify'
 * import { testIssuer } from 'latchkey/testing'
 * import verifier from 'latchkey/verifier'
 *
 * const issuer = await testIssuer()
 * const app = Fastify()
 * await app.register(verifier, issuer.verifierOptions)
 * app.get('/reports', { preHandler: app.latchkey.authenticate }, async ({ auth }) => auth.roles)
 *
 * const headers = { authorization: `Bearer ${issuer.token({ sid: 'a-session', roles: ['editor'] })}` }
 * console.log((await app.inject({ url: '/reports', headers })).body) // ["editor"]
 * await issuer.revoke('a-session')
 * console.log((await app.inject({ url: '/reports', headers })).json().code) // session_revoked
 * await app.close()
 * await issuer.close()
 * ```
 */
export async function testIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { url: given, audience: givenAudience, port, alg = 'ES256', now = () => Date.now(), ...unknown } = options
  refuseUnknown('testIssuer', unknown)
  const feed = testFeed()
  let keys = [makeKey(alg)]
  const kids = () => keys.map(({ kid }) => kid)
  const credential = { id: 'test', secret: randomUUID() }
  const authorization = `Basic ${Buffer.from(`${credential.id}:${credential.secret}`).toString('base64')}`
  let lastExpiry = 0
  /** In seconds. `revoke(null)` refuses tokens of its own second too, so the next tokens are issued after it. */
  let issuableFrom = 0

  function answer(path: string, headers: Headers): Response {
    if (path.endsWith('/.well-known/jwks.json')) {
      return Response.json(
        { keys: keys.map(({ jwk }) => jwk) },
        { headers: { 'cache-control': 'public, max-age=300' } }
      )
    }
    if (path.endsWith('/.well-known/oauth-authorization-server')) return Response.json({ issuer: url })
    if (!path.endsWith('/revocations')) return new Response(null, { status: 404 })
    if (headers.get('authorization') !== authorization) return new Response(null, { status: 401 })
    const stream = feed.open(headers.get('last-event-id'), kids())
    return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
  }

  const served = port === undefined ? undefined : await serve(port, answer)
  const url = given ?? served?.url ?? 'https://issuer.test'
  const audience = givenAudience ?? url
  const { base } = issuerAddresses(new URL(url).href)

  const fetchInProcess: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    if (!request.url.startsWith(`${base}/`))
      throw new TypeError(`The test issuer is at ${base}, not at ${request.url}.`)
    return answer(new URL(request.url).pathname, request.headers)
  }
  const reach =
    served === undefined
      ? { feed: { credential }, fetch: fetchInProcess }
      : { jwksUrl: `${served.url}/.well-known/jwks.json`, feed: { url: `${served.url}/revocations`, credential } }

  return {
    url,
    audience,
    verifierOptions: { issuer: url, audience, ...reach },

    token(options = {}) {
      const { sub, sid = randomUUID(), roles = [], amr = ['pwd'], authTime, scope, claims, ...rest } = options
      const { expiresInSeconds = 600, ...unknown } = rest
      refuseUnknown('token', unknown)
      const iat = Math.max(Math.floor(now() / 1000), issuableFrom)
      const common = { iss: url, aud: audience, sid, jti: randomUUID(), iat, exp: iat + expiresInSeconds }
      lastExpiry = Math.max(lastExpiry, common.exp)
      const client = sub ?? `client_${randomUUID()}`
      const subject =
        scope === undefined
          ? { sub: sub ?? randomUUID(), client_id: 'latchkey', auth_time: authTime ?? iat, amr, roles }
          : { sub: client, client_id: client, scope }
      const [key = makeKey(alg)] = keys
      return signToken(key, { ...common, ...subject, ...claims })
    },

    async revoke(sid, reason = 'revoked_by_admin') {
      const at = now()
      if (sid === null) issuableFrom = Math.floor(at / 1000) + 1
      // The entry must outlive every token that it refuses.
      await feed.add({ sid, reason, at, expiresAt: Math.max(at, lastExpiry * 1000) + 60_000 })
    },

    async rotateKey({ revokeOld = false } = {}) {
      keys = [makeKey(alg), ...(revokeOld ? [] : keys)]
      await feed.sendKeys(kids())
    },

    async close() {
      feed.close()
      await served?.close()
    }
  }
}

/** Otherwise a misspelt option would be ignored. */
function refuseUnknown(caller: string, unknown: object): void {
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`${caller}: there is no option ${name}.`)
}
