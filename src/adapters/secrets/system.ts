import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Digest, Entropy } from '../../ports/runtime.js'

/** Randomness from the CSPRNG of the operating system. UUIDs are version 4 (RFC 9562 §5.4), in lower case. */
export const systemEntropy: Entropy = {
  bytes: (length) => randomBytes(length),
  uuid: () => randomUUID()
}

/** SHA-256 in lower-case hex. A string is hashed as its UTF-8 bytes. */
export const sha256: Digest = (data) => createHash('sha256').update(data).digest('hex')
