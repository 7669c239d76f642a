import { createHmac, timingSafeEqual } from 'node:crypto'
import { formatToken, parseToken, signedBytes, type TokenKind } from '../../core/refresh-token.js'
import type { OpaqueTokens } from '../../ports/tokens.js'
import type { RootSecret, RootSecrets } from './root-secrets.js'

/**
 * Makes and checks the opaque credentials: HMAC-SHA-256 under a key of their kind, so that a session
 * token can never pass as a refresh token. Issued under the newest root secret, opened under any.
 */
export function opaqueTokens(secrets: RootSecrets): OpaqueTokens {
  const [newest, ...older] = secrets
  const issuing = macKeys(newest)
  const checking = [issuing, ...older.map(macKeys)]

  return {
    issue(kind, content) {
      const signed = signedBytes({ ...content, keyId: issuing.id })
      return formatToken(kind, signed, mac(issuing[kind], signed))
    },

    open(kind, text) {
      const token = parseToken(kind, text)
      if (token === undefined) return undefined
      const { keyId, sid, generation, secret } = token
      const genuine = checking.some(
        (keys) => keys.id === keyId && timingSafeEqual(mac(keys[kind], token.signed), token.mac)
      )
      return genuine ? { keyId, sid, generation, secret } : undefined
    }
  }
}

type MacKeys = { readonly id: number } & Readonly<Record<TokenKind, Uint8Array>>

function macKeys(secret: RootSecret): MacKeys {
  return {
    id: secret.id,
    refresh: secret.deriveKey('refresh token v1'),
    session: secret.deriveKey('session token v1')
  }
}

function mac(key: Uint8Array, signed: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(signed).digest()
}
