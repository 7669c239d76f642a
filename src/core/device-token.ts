import { decodeBase64url, encodeBase64url } from './base64url.js'
import { uuidFromBytes, uuidToBytes } from './uuid-bytes.js'

/**
 * The wire format of the device token, which proves that its holder has signed in to an account
 * before, and nothing else: `lk_dt_`, then base64url of
 * version 1 B · key id 1 B · user id 16 B · device id 16 B · issued at, in seconds, 4 B · mac 32 B.
 */
const prefix = 'lk_dt_'

/** What a device token says. The ids are lower-case UUIDs; `issuedAt` is whole seconds since the epoch. */
export interface DeviceTokenContent {
  readonly keyId: number
  readonly userId: string
  readonly deviceId: string
  readonly issuedAt: number
}

/** A token taken apart, its mac not yet checked. `signed` is what the mac covers. */
export interface ParsedDeviceToken extends DeviceTokenContent {
  readonly signed: Uint8Array
  readonly mac: Uint8Array
}

/** How long a device is known after its last login, in seconds: browsers keep no cookie longer (RFC 6265bis §5.5). */
export const deviceTokenLifeSeconds = 400 * 86_400

const version = 1
const signedLength = 1 + 1 + 16 + 16 + 4
const macLength = 32
const encodedLength = Math.ceil(((signedLength + macLength) * 4) / 3)

/** The bytes that a token's mac covers: everything before it. */
export function signedDeviceBytes(content: DeviceTokenContent): Uint8Array {
  const bytes = new Uint8Array(signedLength)
  bytes[0] = version
  bytes[1] = content.keyId
  bytes.set(uuidToBytes(content.userId), 2)
  bytes.set(uuidToBytes(content.deviceId), 18)
  new DataView(bytes.buffer).setUint32(34, content.issuedAt)
  return bytes
}

/** The token's text, from the bytes that `signedDeviceBytes` gave and their mac. */
export function formatDeviceToken(signed: Uint8Array, mac: Uint8Array): string {
  const bytes = new Uint8Array(signedLength + macLength)
  bytes.set(signed)
  bytes.set(mac, signedLength)
  return prefix + encodeBase64url(bytes)
}

/** Takes a token's text apart; undefined for anything that is not of this format, to the letter. */
export function parseDeviceToken(text: string): ParsedDeviceToken | undefined {
  if (!text.startsWith(prefix)) return undefined
  const encoded = text.slice(prefix.length)
  if (encoded.length !== encodedLength) return undefined
  const bytes = decodeBase64url(encoded)
  if (bytes?.[0] !== version) return undefined
  const view = new DataView(bytes.buffer)
  return {
    keyId: view.getUint8(1),
    userId: uuidFromBytes(bytes.subarray(2, 18)),
    deviceId: uuidFromBytes(bytes.subarray(18, 34)),
    issuedAt: view.getUint32(34),
    signed: bytes.slice(0, signedLength),
    mac: bytes.slice(signedLength)
  }
}
