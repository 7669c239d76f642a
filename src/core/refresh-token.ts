import { decodeBase64url, encodeBase64url } from './base64url.js'
import { uuidFromBytes, uuidToBytes } from './uuid-bytes.js'

/**
 * The wire format of the two opaque credentials, `lk_rt_…` (refresh token) and `lk_st_…` (session
 * token): the prefix, then base64url of
 * version 1 B · key id 1 B · sid 16 B · generation 4 B · secret 32 B · mac 32 B.
 */
export const tokenPrefixes = { refresh: 'lk_rt_', session: 'lk_st_' } as const

export type TokenKind = keyof typeof tokenPrefixes

/** What a token says. `sid` is a lower-case UUID; `secret` has 32 bytes; `generation` fits 32 bits. */
export interface TokenContent {
  readonly keyId: number
  readonly sid: string
  readonly generation: number
  readonly secret: Uint8Array
}

/** A token taken apart, its mac not yet checked. `signed` is what the mac covers. */
export interface ParsedToken extends TokenContent {
  readonly signed: Uint8Array
  readonly mac: Uint8Array
}

const version = 1
const signedLength = 1 + 1 + 16 + 4 + 32
const macLength = 32
const encodedLength = Math.ceil(((signedLength + macLength) * 4) / 3)

/** The bytes that a token's mac covers: everything before it. */
export function signedBytes(content: TokenContent): Uint8Array {
  const bytes = new Uint8Array(signedLength)
  bytes[0] = version
  bytes[1] = content.keyId
  bytes.set(uuidToBytes(content.sid), 2)
  new DataView(bytes.buffer).setUint32(18, content.generation)
  bytes.set(content.secret, 22)
  return bytes
}

/** The token's text, from the bytes that `signedBytes` gave and their mac. */
export function formatToken(kind: TokenKind, signed: Uint8Array, mac: Uint8Array): string {
  const bytes = new Uint8Array(signedLength + macLength)
  bytes.set(signed)
  bytes.set(mac, signedLength)
  return tokenPrefixes[kind] + encodeBase64url(bytes)
}

/** Takes a token's text apart; undefined for anything that is not of this format, to the letter. */
export function parseToken(kind: TokenKind, text: string): ParsedToken | undefined {
  if (!text.startsWith(tokenPrefixes[kind])) return undefined
  const encoded = text.slice(tokenPrefixes[kind].length)
  if (encoded.length !== encodedLength) return undefined
  const bytes = decodeBase64url(encoded)
  if (bytes?.[0] !== version) return undefined
  const view = new DataView(bytes.buffer)
  return {
    keyId: view.getUint8(1),
    sid: uuidFromBytes(bytes.subarray(2, 18)),
    generation: view.getUint32(18),
    secret: bytes.slice(22, signedLength),
    signed: bytes.slice(0, signedLength),
    mac: bytes.slice(signedLength)
  }
}
