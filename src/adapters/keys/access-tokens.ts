import fastifyJwt from '@fastify/jwt'
import Fastify, { type FastifyInstance } from 'fastify'
import { accessTokenType } from '../../core/access-claims.js'
import { deepFrozen } from '../../core/deep-frozen.js'
import { activeKey, isRetired } from '../../core/key-rotation.js'
import { recentlyUsed } from '../../core/recently-used.js'
import { Unavailable } from '../../ports/errors.js'
import type { Clock, Identity } from '../../ports/runtime.js'
import type { AccessTokens } from '../../ports/tokens.js'
import type { SigningKey } from './signing-keys.js'

export interface AccessTokenOptions {
  readonly keys: readonly SigningKey[]
  readonly identity: Identity
  readonly clock: Pick<Clock, 'now'>
  /** Called if none of the keys fits; resolves when newer keys, if there are any, are in use. Never rejects. */
  readonly reload: (why: 'no active key' | 'unknown key') => Promise<void>
}

export interface ChangingAccessTokens extends AccessTokens {
  /** Throws `Unavailable`, as `sign` does, if no key may sign now. */
  requireSigningKey(): Promise<void>
  /** Replaces the keys. */
  use(keys: readonly SigningKey[]): Promise<void>
  close(): Promise<void>
}

/** The payload of a token whose signature was verified, and the key's app that verified it. */
interface OpenedToken extends Pick<LoadedKey, 'app'> {
  readonly payload: unknown
}

/** A token and its payload take about 1 kB, so this is about 10 MB at most. */
const maxOpenedTokens = 10_000

/** A key and an instance of @fastify/jwt that has this key alone. */
interface LoadedKey extends SigningKey {
  readonly app: FastifyInstance
  /** The first part of every token that this key signs. */
  readonly header: string
}

/**
 * Signs access tokens with the active key and opens tokens of any key that has not retired. `sign` throws `Unavailable`
 * if no key may sign; `open` never throws.
 *
 * `sign` chooses the key by the token's `iat`, which is the database's time: every instance then chooses the same key.
 *
 * A token is opened only if its header is exactly the one that its key writes: `alg`, `typ`, `kid` and nothing else. So
 * `jku`, `jwk`, `x5u` and `crit` are never read (RFC 8725 §3.1, §3.10, §3.11; RFC 9068 §4). Expiry is checked by the
 * caller, with core/access-claims.ts and the database's clock.
 */
export async function accessTokens(options: AccessTokenOptions): Promise<ChangingAccessTokens> {
  const { identity, clock, reload } = options
  const followers = new Set<() => void>()
  let newestFirst: readonly LoadedKey[] = []
  let byHeader: ReadonlyMap<string, LoadedKey> = new Map()
  let byApp: ReadonlyMap<FastifyInstance, LoadedKey> = new Map()
  const opened = recentlyUsed<OpenedToken>(maxOpenedTokens)

  async function use(keys: readonly SigningKey[]): Promise<void> {
    const before = newestFirst
    const loaded: LoadedKey[] = []
    for (const key of keys) {
      const { app, header } = before.find(({ kid }) => kid === key.kid) ?? (await load(key, identity))
      loaded.push({ ...key, app, header })
    }
    newestFirst = loaded.sort((a, b) => b.number - a.number)
    byHeader = new Map(loaded.map((key) => [key.header, key]))
    byApp = new Map(loaded.map((key) => [key.app, key]))
    for (const follower of followers) follower()
    for (const { kid, app } of before) if (!loaded.some((key) => key.kid === kid)) await app.close()
  }

  async function signingKeyAt(now: number): Promise<LoadedKey> {
    if (activeKey(newestFirst, now) === undefined) await reload('no active key')
    const key = activeKey(newestFirst, now)
    if (key === undefined) throw new Unavailable('No signing key is in force')
    return key
  }

  const hasRetired = (key: SigningKey) => isRetired(key, clock.now())

  await use(options.keys)
  return {
    sign: async (claims) => (await signingKeyAt(claims.iat * 1000)).app.jwt.sign(claims),
    requireSigningKey: async () => void (await signingKeyAt(clock.now())),

    open(token) {
      const known = opened.get(token)
      const knownKey = known && byApp.get(known.app)
      if (knownKey !== undefined) return hasRetired(knownKey) ? undefined : known?.payload
      const key = byHeader.get(headerOf(token))
      if (key === undefined) void reload('unknown key')
      if (key === undefined || hasRetired(key)) return undefined
      if (!isCanonical(signatureOf(token))) return undefined
      try {
        // Requests with the same token share the payload.
        const payload = deepFrozen(key.app.jwt.verify<object>(token))
        opened.set(token, { app: key.app, payload })
        return payload
      } catch {
        return undefined
      }
    },

    hasKeyOf(token) {
      const key = byHeader.get(headerOf(token))
      return key !== undefined && !hasRetired(key)
    },

    jwks: () => ({ keys: newestFirst.flatMap((key) => (key.jwk && !hasRetired(key) ? [key.jwk] : [])) }),

    followKeys(follower) {
      followers.add(follower)
      return () => void followers.delete(follower)
    },

    use,
    async close() {
      for (const { app } of newestFirst) await app.close()
    }
  }
}

function headerOf(token: string): string {
  return token.slice(0, token.indexOf('.'))
}

function signatureOf(token: string): string {
  return token.slice(token.lastIndexOf('.') + 1)
}

/** `Buffer` skips invalid characters and stray bits, so re-encode and compare: each signature then has one text. */
function isCanonical(text: string): boolean {
  return Buffer.from(text, 'base64url').toString('base64url') === text
}

/**
 * Builds one @fastify/jwt per key, in a Fastify instance of its own: per-call options would build a new signer or
 * verifier for each token, and a registered @fastify/jwt cannot change its key.
 */
async function load(
  { alg, kid, signing, verifying }: SigningKey,
  { issuer, audiences }: Identity
): Promise<Pick<LoadedKey, 'app' | 'header'>> {
  const app = Fastify({ logger: false })
  await app.register(fastifyJwt, {
    secret: { private: signing, public: verifying },
    sign: { algorithm: alg, kid, header: { alg, typ: accessTokenType } },
    verify: {
      algorithms: [alg],
      checkTyp: accessTokenType,
      requiredClaims: ['iss', 'aud', 'sub', 'sid', 'jti', 'client_id', 'iat', 'exp'],
      allowedIss: issuer,
      allowedAud: [...audiences],
      ignoreExpiration: true,
      ignoreNotBefore: true
    }
  })
  await app.ready()
  return { app, header: headerOf(app.jwt.sign({})) }
}
