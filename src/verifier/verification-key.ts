import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'

/** A public key of the issuer, for one algorithm. */
export interface VerificationKey {
  readonly kid: string
  readonly alg: string
  /** The published JWK as text, to notice changes. */
  readonly published: string
  /** Whether `signature` is this key's signature of `input`. Never throws. */
  verifies(input: string, signature: Uint8Array): boolean
}

/** What each algorithm requires of keys and signatures (RFC 7518 §3.3 and §3.4, RFC 8037 §3.1). */
const algorithms = {
  ES256: {
    fits: ({ asymmetricKeyDetails }: KeyObject) => asymmetricKeyDetails?.namedCurve === 'prime256v1',
    verifies: (key: KeyObject, input: Uint8Array, signature: Uint8Array) =>
      signature.length === 64 && verify('sha256', input, { key, dsaEncoding: 'ieee-p1363' }, signature)
  },
  EdDSA: {
    fits: ({ asymmetricKeyType }: KeyObject) => asymmetricKeyType === 'ed25519',
    verifies: (key: KeyObject, input: Uint8Array, signature: Uint8Array) => verify(null, input, key, signature)
  },
  RS256: {
    fits: ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject) =>
      asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048,
    verifies: (key: KeyObject, input: Uint8Array, signature: Uint8Array) => verify('sha256', input, key, signature)
  }
} as const

/** A Latchkey service publishes fewer. */
const maxKeys = 100

/** The keys of a JWK Set (RFC 7517 §5) that can verify access tokens. Throws if `jwks` is not a JWK Set. */
export function verificationKeys(jwks: unknown): VerificationKey[] {
  const { keys } = (jwks ?? {}) as { readonly keys?: unknown }
  if (!Array.isArray(keys) || keys.length > maxKeys) throw new Error('The issuer did not answer with a JWK Set.')
  return keys.map(verificationKey).filter((key) => key !== undefined)
}

function verificationKey(jwk: unknown): VerificationKey | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined
  const { kid, alg, use = 'sig', ...members } = jwk as Record<string, unknown>
  if (typeof kid !== 'string' || typeof alg !== 'string' || use !== 'sig') return undefined
  if (alg !== 'ES256' && alg !== 'EdDSA' && alg !== 'RS256') return undefined
  const key = publicKeyOf(members as JsonWebKey)
  const { fits, verifies } = algorithms[alg]
  if (key === undefined || !fits(key)) return undefined
  return {
    kid,
    alg,
    published: JSON.stringify(jwk),
    verifies: (input, signature) => verifies(key, Buffer.from(input), signature)
  }
}

function publicKeyOf(key: JsonWebKey): KeyObject | undefined {
  try {
    return createPublicKey({ key, format: 'jwk' })
  } catch {
    return undefined
  }
}
