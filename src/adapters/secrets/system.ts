import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Digest, Entropy } from '../../ports/runtime.js'

/** Randomness of the operating system's CSPRNG; UUIDs are version 4 (RFC 9562 §5.4), lower-case. */
export const systemEntropy: Entropy = {
  bytes: (length) => randomBytes(length),
  uuid: () => randomUUID()
}

/** SHA-256 in lower-case hex; a text is hashed as its UTF-8 bytes. */
export const sha256: Digest = (data) => createHash('sha256').update(data).digest('hex')
