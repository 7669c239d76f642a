import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Entropy } from '../../ports/runtime.js'
import type { RootSecret } from '../secrets/root-secrets.js'

/** A private key is bound to these: moved to another row, or used for another algorithm, it does not decrypt. */
export interface KeyLabel {
  readonly kid: string
  readonly alg: string
}

const cipher = 'aes-256-gcm'
const ivLength = 12
const tagLength = 16

/** AES-256-GCM with a key derived from the root secret. The result is iv 12 B · tag 16 B · ciphertext. */
export function encryptPrivateKey(
  secret: RootSecret,
  privateKey: Uint8Array,
  label: KeyLabel,
  entropy: Entropy
): Uint8Array<ArrayBuffer> {
  const iv = entropy.bytes(ivLength)
  const encryption = createCipheriv(cipher, encryptionKey(secret), iv).setAAD(additionalData(label))
  const ciphertext = Buffer.concat([encryption.update(privateKey), encryption.final()])
  return Uint8Array.from([...iv, ...encryption.getAuthTag(), ...ciphertext])
}

/** The private key; undefined if it was encrypted with another root secret or for another label. */
export function decryptPrivateKey(secret: RootSecret, encrypted: Uint8Array, label: KeyLabel): Uint8Array | undefined {
  const iv = encrypted.subarray(0, ivLength)
  const tag = encrypted.subarray(ivLength, ivLength + tagLength)
  if (tag.length < tagLength) return undefined
  const decryption = createDecipheriv(cipher, encryptionKey(secret), iv, { authTagLength: tagLength })
    .setAAD(additionalData(label))
    .setAuthTag(tag)
  const privateKey = decryption.update(encrypted.subarray(ivLength + tagLength))
  try {
    return Buffer.concat([privateKey, decryption.final()])
  } catch {
    return undefined
  }
}

function encryptionKey(secret: RootSecret): Uint8Array {
  return secret.deriveKey('signing keys v1')
}

function additionalData({ kid, alg }: KeyLabel): Buffer {
  return Buffer.from(`${kid}.${alg}`)
}
