import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { encodeBase64url } from '../../core/bytes-as-text.js'
import type { SigningAlgorithm } from '../../core/vocabulary.js'
import type { Entropy } from '../../ports/runtime.js'
import type { JsonWebKey } from '../../ports/tokens.js'

/** `signing` and `verifying` are PEM, or both the secret for HS256. `jwk` is the public key; undefined for HS256. */
export interface KeyMaterial {
  readonly signing: string | Buffer
  readonly verifying: string | Buffer
  readonly jwk: JsonWebKey | undefined
}

/**
 * Makes a private key: PKCS #8 DER, or for HS256 a secret of 32 bytes (RFC 7518 §3.2). RSA keys have 2048 bits
 * (RFC 7518 §3.3).
 */
export async function generatePrivateKey(alg: SigningAlgorithm, entropy: Entropy): Promise<Uint8Array> {
  if (alg === 'HS256') return entropy.bytes(32)
  const { privateKey } = await generatePair[alg]()
  return privateKey.export({ format: 'der', type: 'pkcs8' })
}

/** The key's `kid`: its thumbprint (RFC 7638). Random for HS256, where a thumbprint would be a hash of the secret. */
export function keyId(alg: SigningAlgorithm, privateKey: Uint8Array, entropy: Entropy): string {
  if (alg === 'HS256') return encodeBase64url(entropy.bytes(32))
  // Node exports exactly the members of RFC 7638 §3, so only sort them.
  const members = Object.entries(publicMembers(publicKeyOf(privateKey))).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest('base64url')
}

/** Derives what signs, verifies and is published (RFC 7517 §4) from a key made by `generatePrivateKey`. */
export function keyMaterial(alg: SigningAlgorithm, kid: string, privateKey: Uint8Array): KeyMaterial {
  if (alg === 'HS256') {
    const secret = Buffer.from(privateKey)
    return { signing: secret, verifying: secret, jwk: undefined }
  }
  const publicKey = publicKeyOf(privateKey)
  return {
    signing: privateKeyOf(privateKey).export({ format: 'pem', type: 'pkcs8' }),
    verifying: publicKey.export({ format: 'pem', type: 'spki' }),
    jwk: { ...publicMembers(publicKey), kty: keyTypes[alg], kid, alg, use: 'sig' }
  }
}

const generate = promisify(generateKeyPair)

const generatePair = {
  ES256: () => generate('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generate('ed25519', {}),
  RS256: () => generate('rsa', { modulusLength: 2048 })
}

const keyTypes = { ES256: 'EC', EdDSA: 'OKP', RS256: 'RSA' } as const

function privateKeyOf(privateKey: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' })
}

function publicKeyOf(privateKey: Uint8Array): KeyObject {
  return createPublicKey(privateKeyOf(privateKey))
}

function publicMembers(publicKey: KeyObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(publicKey.export({ format: 'jwk' })).map(([name, value]) => [name, String(value)])
  )
}
