import fastifyJwt from '@fastify/jwt'
import Fastify, { type FastifyInstance } from 'fastify'
import { accessTokenType } from '../../core/access-claims.js'
import { activeKey, isRetired } from '../../core/key-rotation.js'
import { Unavailable } from '../../ports/errors.js'
import type { Clock, Identity } from '../../ports/runtime.js'
import type { AccessTokens } from '../../ports/tokens.js'
import type { SigningKey } from './signing-keys.js'

export interface AccessTokenOptions {
  readonly keys: readonly SigningKey[]
  readonly identity: Identity
  readonly clock: Pick<Clock, 'now'>
  /** Called where no key that is known here will do; resolves when there may be others. Never rejects. */
  readonly missing: (what: 'active key' | 'key of a token') => Promise<void>
}

export interface ChangingAccessTokens extends AccessTokens {
  /** Works with these keys from now on, and with no others. */
  use(keys: readonly SigningKey[]): Promise<void>
  close(): Promise<void>
}

/** The @fastify/jwt that has one key, and it only. */
interface KeyInUse {
  readonly app: FastifyInstance
  /** The first part of its every token. */
  readonly header: string
}

/**
 * Signs access tokens with the active key and opens those of any key that has not retired. `sign`
 * throws `Unavailable` while no key signs; `open` never throws, whatever text it is given.
 *
 * A token is opened only where its header is, to the letter, the one that its key's tokens have:
 * exact `alg`, `typ` and `kid` and nothing else, so that `jku`, `jwk`, `x5u` or `crit` are never even
 * read (RFC 8725 §3.1, §3.10 and §3.11, RFC 9068 §4). Whether the claims are good is for
 * core/access-claims.ts and our clock; what can be asked for here at no cost is asked for as well.
 */
export async function accessTokens(options: AccessTokenOptions): Promise<ChangingAccessTokens> {
  const { identity, clock, missing } = options
  const inUse = new Map<string, KeyInUse>()
  const followers = new Set<() => void>()
  let newestFirst: readonly SigningKey[] = []
  let byHeader: ReadonlyMap<string, SigningKey> = new Map()

  async function use(keys: readonly SigningKey[]): Promise<void> {
    for (const key of keys) if (!inUse.has(key.kid)) inUse.set(key.kid, await keyInUse(key, identity))
    newestFirst = keys.toSorted((a, b) => b.number - a.number)
    byHeader = new Map(keys.map((key) => [jwtOf(key).header, key]))
    for (const follower of followers) follower()
    await closeAllBut(keys)
  }

  async function closeAllBut(keys: readonly SigningKey[]): Promise<void> {
    for (const [kid, { app }] of inUse) {
      if (keys.some((key) => key.kid === kid)) continue
      inUse.delete(kid)
      await app.close()
    }
  }

  function jwtOf({ kid }: SigningKey) {
    const used = inUse.get(kid)
    if (used === undefined) throw new Error(`Key ${kid} is not in use.`)
    return { header: used.header, jwt: used.app.jwt }
  }

  const active = () => activeKey(newestFirst, clock.now())
  const hasRetired = (key: SigningKey) => isRetired(key, clock.now())

  await use(options.keys)
  return {
    async sign(claims) {
      if (active() === undefined) await missing('active key')
      const key = active()
      if (key === undefined) throw new Unavailable('No signing key is in force')
      return jwtOf(key).jwt.sign(claims)
    },

    open(token) {
      const key = byHeader.get(headerOf(token))
      if (key === undefined) void missing('key of a token')
      if (key === undefined || hasRetired(key) || !isCanonical(signatureOf(token))) return undefined
      try {
        return jwtOf(key).jwt.verify(token)
      } catch {
        return undefined
      }
    },

    jwks: () => ({ keys: newestFirst.flatMap((key) => (key.jwk && !hasRetired(key) ? [key.jwk] : [])) }),

    followKeys(follower) {
      followers.add(follower)
      return () => void followers.delete(follower)
    },

    use,
    close: () => closeAllBut([])
  }
}

function headerOf(token: string): string {
  return token.slice(0, token.indexOf('.'))
}

function signatureOf(token: string): string {
  return token.slice(token.lastIndexOf('.') + 1)
}

/** Whether base64url is spelled as it is written, so that a signature has one text: readers pass over stray bits. */
function isCanonical(text: string): boolean {
  return Buffer.from(text, 'base64url').toString('base64url') === text
}

/**
 * A Fastify that only carries @fastify/jwt for one key: options given with each call would build a
 * new signer or verifier each time, and a running host cannot be given another key.
 */
async function keyInUse(
  { alg, kid, signing, verifying }: SigningKey,
  { issuer, audience }: Identity
): Promise<KeyInUse> {
  const app = Fastify({ logger: false })
  await app.register(fastifyJwt, {
    secret: { private: signing, public: verifying },
    sign: { algorithm: alg, kid, header: { alg, typ: accessTokenType } },
    verify: {
      algorithms: [alg],
      checkTyp: accessTokenType,
      requiredClaims: ['iss', 'aud', 'sub', 'sid', 'jti', 'client_id', 'iat', 'exp'],
      allowedIss: issuer,
      allowedAud: audience,
      ignoreExpiration: true,
      ignoreNotBefore: true
    }
  })
  await app.ready()
  return { app, header: headerOf(app.jwt.sign({})) }
}
