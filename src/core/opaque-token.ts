import { decodeBase64url, encodeBase64url, uuidFromBytes, uuidToBytes } from './bytes-as-text.js'
import { maxCookieLifeSeconds } from './vocabulary.js'

/**
 * The wire format of our opaque tokens: a prefix that names the kind, then base64url of
 * version 1 B · key id 1 B · payload · mac 32 B. The mac covers every byte before it. The payload is,
 * for `refresh` and `session` tokens: sid 16 B · generation 4 B · secret 32 B;
 * for `device` tokens: user id 16 B, encrypted by the adapter · device id 16 B · issued at 4 B;
 * for `link` tokens: link id 16 B. Numbers are big-endian.
 */
export const tokenPrefixes = { refresh: 'lk_rt_', session: 'lk_st_', device: 'lk_dt_', link: 'lk_ot_' } as const

export type TokenKind = keyof typeof tokenPrefixes

/** The kinds that are credentials of a session. Device tokens and the tokens of one-time links are not. */
export type SessionTokenKind = 'refresh' | 'session'

/** The kinds that a cookie can hold. The token of a one-time link is only in the link. */
export type CookieTokenKind = Exclude<TokenKind, 'link'>

/** What a refresh or session token says. `sid` is a lower-case UUID, `secret` 32 bytes, `generation` a 32-bit number. */
export interface SessionTokenContent {
  readonly sid: string
  readonly generation: number
  readonly secret: Uint8Array
}

/** A device that has signed in to an account before. Ids are lower-case UUIDs; `issuedAt` is seconds since the epoch. */
export interface DeviceTokenContent {
  readonly userId: string
  readonly deviceId: string
  readonly issuedAt: number
}

/** A one-time link. Its row says what the link is for, and until when. */
interface LinkTokenContent {
  readonly linkId: string
}

export interface TokenContents {
  readonly refresh: SessionTokenContent
  readonly session: SessionTokenContent
  readonly device: DeviceTokenContent
  readonly link: LinkTokenContent
}

/** A token taken apart. Its mac is not checked yet. */
export interface ParsedToken<Kind extends TokenKind> {
  /** Names the root secret whose key made the mac; 0 to 255. */
  readonly keyId: number
  readonly content: TokenContents[Kind]
  /** The bytes that the mac covers. */
  readonly signed: Uint8Array
  readonly mac: Uint8Array
}

/** How long a device stays known after its last login. */
export const deviceTokenLifeSeconds = maxCookieLifeSeconds

const version = 1
const headLength = 2
const macLength = 32

/** The bytes that the mac covers: everything before it. `keyId` is 0 to 255. */
export function signedBytes<Kind extends TokenKind>(
  kind: Kind,
  keyId: number,
  content: TokenContents[Kind]
): Uint8Array {
  const bytes = new Uint8Array(headLength + payloads[kind].length)
  bytes.set([version, keyId])
  payloads[kind].write(bytes.subarray(headLength), content)
  return bytes
}

/** The token's text, from the result of `signedBytes` and its mac of 32 bytes. */
export function formatToken(kind: TokenKind, signed: Uint8Array, mac: Uint8Array): string {
  const bytes = new Uint8Array(signed.length + macLength)
  bytes.set(signed)
  bytes.set(mac, signed.length)
  return tokenPrefixes[kind] + encodeBase64url(bytes)
}

/** Takes a token apart. Undefined for a text that is not exactly of this format and kind. */
export function parseToken<Kind extends TokenKind>(kind: Kind, text: string): ParsedToken<Kind> | undefined {
  const prefix = tokenPrefixes[kind]
  const signedLength = headLength + payloads[kind].length
  const encodedLength = Math.ceil(((signedLength + macLength) * 4) / 3)
  if (!text.startsWith(prefix) || text.length !== prefix.length + encodedLength) return undefined
  const bytes = decodeBase64url(text.slice(prefix.length))
  if (bytes?.[0] !== version) return undefined
  return {
    keyId: viewOf(bytes).getUint8(1),
    content: payloads[kind].read(bytes.subarray(headLength, signedLength)),
    signed: bytes.subarray(0, signedLength),
    mac: bytes.subarray(signedLength)
  }
}

interface PayloadFormat<Content> {
  /** In bytes. */
  readonly length: number
  write(payload: Uint8Array, content: Content): void
  read(payload: Uint8Array): Content
}

const sessionPayload: PayloadFormat<SessionTokenContent> = {
  length: 16 + 4 + 32,
  write(payload, { sid, generation, secret }) {
    payload.set(uuidToBytes(sid))
    viewOf(payload).setUint32(16, generation)
    payload.set(secret, 20)
  },
  read: (payload) => ({
    sid: uuidFromBytes(payload.subarray(0, 16)),
    generation: viewOf(payload).getUint32(16),
    secret: payload.slice(20)
  })
}

const devicePayload: PayloadFormat<DeviceTokenContent> = {
  length: 16 + 16 + 4,
  write(payload, { userId, deviceId, issuedAt }) {
    payload.set(uuidToBytes(userId))
    payload.set(uuidToBytes(deviceId), 16)
    viewOf(payload).setUint32(32, issuedAt)
  },
  read: (payload) => ({
    userId: uuidFromBytes(payload.subarray(0, 16)),
    deviceId: uuidFromBytes(payload.subarray(16, 32)),
    issuedAt: viewOf(payload).getUint32(32)
  })
}

const linkPayload: PayloadFormat<LinkTokenContent> = {
  length: 16,
  write: (payload, { linkId }) => payload.set(uuidToBytes(linkId)),
  read: (payload) => ({ linkId: uuidFromBytes(payload) })
}

const payloads: { readonly [Kind in TokenKind]: PayloadFormat<TokenContents[Kind]> } = {
  refresh: sessionPayload,
  session: sessionPayload,
  device: devicePayload,
  link: linkPayload
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
