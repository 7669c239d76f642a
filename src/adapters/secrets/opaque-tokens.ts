import { createHmac, timingSafeEqual } from 'node:crypto'
import { formatToken, parseToken, signedBytes, type TokenKind } from '../../core/opaque-token.js'
import type { OpaqueTokens } from '../../ports/tokens.js'
import type { RootSecret, RootSecrets } from './root-secrets.js'

/**
 * Makes and checks the opaque tokens by HMAC-SHA-256, with one key per kind, so that a token of one kind never passes
 * as another. The newest root secret issues, and every configured one opens.
 */
export function opaqueTokens([newest, ...older]: RootSecrets): OpaqueTokens {
  const issuing = macKeys(newest)
  const opening = [issuing, ...older.map(macKeys)]

  return {
    issue(kind, content) {
      const signed = signedBytes(kind, issuing.id, content)
      return formatToken(kind, signed, mac(issuing[kind], signed))
    },

    open(kind, text) {
      const token = parseToken(kind, text)
      if (token === undefined) return undefined
      const isGenuine = opening.some(
        (keys) => keys.id === token.keyId && timingSafeEqual(mac(keys[kind], token.signed), token.mac)
      )
      return isGenuine ? token.content : undefined
    }
  }
}

type MacKeys = { readonly id: number } & Readonly<Record<TokenKind, Uint8Array>>

function macKeys(secret: RootSecret): MacKeys {
  return {
    id: secret.id,
    refresh: secret.deriveKey('refresh token v1'),
    session: secret.deriveKey('session token v1'),
    device: secret.deriveKey('device token v1')
  }
}

function mac(key: Uint8Array, signed: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(signed).digest()
}
