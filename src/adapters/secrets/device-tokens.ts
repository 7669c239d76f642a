import { createHmac, timingSafeEqual } from 'node:crypto'
import { formatDeviceToken, parseDeviceToken, signedDeviceBytes } from '../../core/device-token.js'
import type { DeviceTokens } from '../../ports/tokens.js'
import type { RootSecret, RootSecrets } from './root-secrets.js'

/**
 * Makes and checks device tokens: HMAC-SHA-256 under a key of their own, so that no other token can
 * pass as one. Issued under the newest root secret, opened under any. No row stands behind them.
 */
export function deviceTokens(secrets: RootSecrets): DeviceTokens {
  const [newest, ...older] = secrets
  const issuing = macKey(newest)
  const checking = [issuing, ...older.map(macKey)]

  return {
    issue(content) {
      const signed = signedDeviceBytes({ ...content, keyId: issuing.id })
      return formatDeviceToken(signed, mac(issuing.key, signed))
    },

    open(text) {
      const token = parseDeviceToken(text)
      if (token === undefined) return undefined
      const { keyId, userId, deviceId, issuedAt } = token
      const genuine = checking.some(({ id, key }) => id === keyId && timingSafeEqual(mac(key, token.signed), token.mac))
      return genuine ? { keyId, userId, deviceId, issuedAt } : undefined
    }
  }
}

function macKey(secret: RootSecret): { readonly id: number; readonly key: Uint8Array } {
  return { id: secret.id, key: secret.deriveKey('device token v1') }
}

function mac(key: Uint8Array, signed: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(signed).digest()
}
