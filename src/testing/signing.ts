import { generateKeyPairSync, type KeyObject, type KeyPairKeyObjectResult, randomUUID, sign } from 'node:crypto'
import { accessTokenType } from '../core/access-claims.js'
import type { SigningAlgorithm } from '../core/vocabulary.js'

/** A signing key of a test issuer. */
export interface TestKey {
  readonly alg: TestAlgorithm
  readonly kid: string
  readonly privateKey: KeyObject
  /** The public key, as the JWKS has it (RFC 7517). */
  readonly jwk: Readonly<Record<string, unknown>>
}

/** The algorithms with a public key, which a JWKS can have. */
export type TestAlgorithm = Exclude<SigningAlgorithm, 'HS256'>

const pairs: Readonly<Record<TestAlgorithm, () => KeyPairKeyObjectResult>> = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 })
}

export function makeKey(alg: TestAlgorithm, kid: string = randomUUID()): TestKey {
  const { privateKey, publicKey } = pairs[alg]()
  return { alg, kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } }
}

/** The header of access tokens that `key` signs (RFC 9068 §2.1). */
export function headerOf({ alg, kid }: Pick<TestKey, 'alg' | 'kid'>) {
  return { alg, typ: accessTokenType, kid }
}

export function signToken(key: TestKey, payload: object): string {
  return signedInput(key, `${encoded(headerOf(key))}.${encoded(payload)}`)
}

/** A token of these two parts (RFC 7515 §5.2), signed with the algorithm of `key` whatever its header says. */
export function signedInput({ alg, privateKey }: TestKey, input: string): string {
  const digest = alg === 'EdDSA' ? null : 'sha256'
  const signature = sign(digest, Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
