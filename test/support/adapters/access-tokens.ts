import { createHmac, createPrivateKey, sign as signBytes } from 'node:crypto'
import { accessTokens } from '../../../src/adapters/keys/access-tokens.js'
import { generatePrivateKey, keyId, keyMaterial } from '../../../src/adapters/keys/signing-key-material.js'
import type { SigningKey } from '../../../src/adapters/keys/signing-keys.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'
import { type AccessClaims, audienceClaim } from '../../../src/core/access-claims.js'
import type { SigningAlgorithm } from '../../../src/core/vocabulary.js'

/** Keys, claims, and access tokens signed by hand. */

export const now = 1_800_000_000_000
export const clock = { now: () => now }
const reload = async () => {}
export const identity = { issuer: 'https://auth.example', audiences: ['https://api.example'] }
export const claims: AccessClaims = {
  iss: identity.issuer,
  aud: audienceClaim(identity.audiences),
  sub: '5f0c7a52-0d4c-4f6e-8a55-0a6d2f0d1b11',
  sid: '0189f7a4-6d3c-4c55-9b1e-2f60718293a4',
  jti: 'b3f6b0a2-94de-47f0-a9ee-0f8f6cf2f0d3',
  client_id: 'latchkey',
  iat: now / 1000,
  exp: now / 1000 + 600,
  auth_time: now / 1000 - 60,
  amr: ['pwd'],
  roles: ['admin']
}

export async function makeKey(alg: SigningAlgorithm, rest: Partial<SigningKey> = {}): Promise<SigningKey> {
  const privateKey = await generatePrivateKey(alg, systemEntropy)
  const kid = keyId(alg, privateKey, systemEntropy)
  return { number: 1, kid, alg, signsFrom: now - 1, retiresAt: null, ...keyMaterial(alg, kid, privateKey), ...rest }
}

export function tokensOf(...keys: SigningKey[]) {
  return accessTokens({ keys, identity, clock, reload })
}

export function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

export function decode(segment: string | undefined): unknown {
  return JSON.parse(Buffer.from(segment ?? '', 'base64url').toString())
}

export function signES256(key: SigningKey, header: unknown, payload: unknown): string {
  const input = `${encode(header)}.${encode(payload)}`
  const signature = signBytes('sha256', Buffer.from(input), {
    key: createPrivateKey(key.signing),
    dsaEncoding: 'ieee-p1363'
  })
  return `${input}.${signature.toString('base64url')}`
}

export function signHS256(secret: string | Buffer, header: unknown, payload: unknown): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}
