const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const notInAlphabet = 255
/** The value of each character, by its code. */
const values = new Uint8Array(128).fill(notInAlphabet)
for (let value = 0; value < alphabet.length; value++) values[alphabet.charCodeAt(value)] = value

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Writes bytes as base64url without padding (RFC 4648 §5). */
export function encodeBase64url(bytes: Uint8Array): string {
  let text = ''
  let pending = 0
  let pendingBits = 0
  for (const byte of bytes) {
    pending = (pending << 8) | byte
    pendingBits += 8
    while (pendingBits >= 6) {
      pendingBits -= 6
      text += alphabet.charAt((pending >> pendingBits) & 63)
    }
    pending &= (1 << pendingBits) - 1
  }
  if (pendingBits > 0) text += alphabet.charAt((pending << (6 - pendingBits)) & 63)
  return text
}

/**
 * Reads base64url without padding. Accepts only what `encodeBase64url` writes, so that each token has exactly one
 * spelling; undefined for other characters, padding, and low bits that are not zero.
 */
export function decodeBase64url(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined
  const bytes = new Uint8Array(Math.floor((text.length * 6) / 8))
  let pending = 0
  let pendingBits = 0
  let written = 0
  for (let at = 0; at < text.length; at++) {
    const value = values[text.charCodeAt(at)] ?? notInAlphabet
    if (value === notInAlphabet) return undefined
    pending = (pending << 6) | value
    pendingBits += 6
    if (pendingBits >= 8) {
      pendingBits -= 8
      bytes[written++] = pending >> pendingBits
      pending &= (1 << pendingBits) - 1
    }
  }
  return pending === 0 ? bytes : undefined
}

/** Reads a UUID as 16 bytes. */
export function uuidToBytes(uuid: string): Uint8Array {
  const hex = uuid.replaceAll('-', '')
  const bytes = new Uint8Array(16)
  for (let at = 0; at < 16; at++) bytes[at] = Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16)
  return bytes
}

/** Writes 16 bytes as a lower-case UUID. */
export function uuidFromBytes(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    if (text.length === 8 || text.length === 13 || text.length === 18 || text.length === 23) text += '-'
    text += hexOfByte[byte]
  }
  return text
}
