import { encodeBase64url } from './bytes-as-text.js'
import { uuidPattern } from './vocabulary.js'

/** A client's id begins with this. The id of a user is a bare UUID, so the two never coincide. */
const clientIdPrefix = 'client_'

const clientIdForm = new RegExp(`^${clientIdPrefix}${uuidPattern}$`)

/** A client has at most this many secrets at a time: the one in use, and the next one while it is being rolled out. */
export const maxClientSecrets = 2

/** The name of a client, for people, has at most this many characters. */
export const maxClientName = 100

/** The id of the client whose row has this UUID. */
export function clientIdOf(uuid: string): string {
  return clientIdPrefix + uuid
}

/** The UUID in the id of a client; undefined for any other text. */
export function uuidOfClient(clientId: string): string | undefined {
  return clientIdForm.test(clientId) ? clientId.slice(clientIdPrefix.length) : undefined
}

/** The random bytes of a secret: too many to guess, so a plain SHA-256 of the secret can be stored. */
export const clientSecretBytes = 32

const secretForm = /^lk_cs_[A-Za-z0-9_-]{43}$/

/** The text of a secret. Scanners for leaked secrets find it by its prefix. */
export function formatClientSecret(bytes: Uint8Array): string {
  return `lk_cs_${encodeBase64url(bytes)}`
}

/** Whether `text` can be a secret of a client. No other text needs a look-up. */
export function isClientSecret(text: string): boolean {
  return secretForm.test(text)
}

/** The end of a secret, by which an admin tells two secrets apart. The rest is still too long to guess. */
export function hintOfSecret(secret: string): string {
  return secret.slice(-4)
}
