import { createHmac, createSecretKey } from 'node:crypto'
import type { RootSecrets } from './root-secrets.js'

/**
 * HMAC-SHA-256 in base64url under the newest root secret: without the secret, nobody can find out the text by trying
 * likely ones. A new root secret makes other hashes.
 */
export function keyedHash([newest]: RootSecrets): (text: string) => string {
  const key = createSecretKey(newest.deriveKey('limit key v1'))
  return (text) => createHmac('sha256', key).update(text).digest('base64url')
}
