import { createHmac, timingSafeEqual } from 'node:crypto'
import { uuidFromBytes, uuidToBytes } from '../../core/bytes-as-text.js'
import { formatToken, parseToken, signedBytes, type TokenContents, type TokenKind } from '../../core/opaque-token.js'
import type { OpaqueTokens } from '../../ports/tokens.js'
import type { RootSecret, RootSecrets } from './root-secrets.js'

/**
 * Makes and checks the opaque tokens by HMAC-SHA-256, with one key per kind, so that a token of one kind never passes
 * as another. The newest root secret issues, and every configured one opens.
 */
export function opaqueTokens([newest, ...older]: RootSecrets): OpaqueTokens {
  const issuing = sealsOf(newest)
  const opening = [newest, ...older].map((secret) => ({ id: secret.id, seals: sealsOf(secret) }))

  return {
    issue(kind, content) {
      const [{ key, cover }] = issuing[kind]
      const signed = signedBytes(kind, newest.id, cover(content))
      return formatToken(kind, signed, mac(key, signed))
    },

    open<Kind extends TokenKind>(kind: Kind, text: string) {
      const token = parseToken(kind, text)
      if (token === undefined) return undefined
      const seal = opening
        .filter(({ id }) => id === token.keyId)
        .flatMap(({ seals }): readonly Seal<Kind>[] => seals[kind])
        .find(({ key }) => timingSafeEqual(mac(key, token.signed), token.mac))
      return seal?.cover(token.content)
    }
  }
}

interface Seal<Kind extends TokenKind> {
  readonly key: Uint8Array
  /** Hides what the token must not show, and reveals it again. */
  readonly cover: (content: TokenContents[Kind]) => TokenContents[Kind]
}

/** The first seal of a kind issues, all of them open. */
type Seals = { readonly [Kind in TokenKind]: readonly [Seal<Kind>, ...Seal<Kind>[]] }

function sealsOf({ deriveKey }: RootSecret): Seals {
  const plain = <T>(content: T) => content
  return {
    refresh: [{ key: deriveKey('refresh token v1'), cover: plain }],
    session: [{ key: deriveKey('session token v1'), cover: plain }],
    device: [
      { key: deriveKey('device token v2'), cover: userIdCover(deriveKey('device token user id v2')) },
      // Of version 0.1.0, which showed the user id. Devices that hold one stay known.
      { key: deriveKey('device token v1'), cover: plain }
    ]
  }
}

/**
 * Encrypts the user id, and decrypts it again: XOR with bytes that depend on the device and the time. They never repeat
 * for another user, because a device gets a new id when another user signs in.
 */
function userIdCover(key: Uint8Array): Seal<'device'>['cover'] {
  return (content) => {
    const pad = mac(key, Buffer.from(`${content.deviceId} ${content.issuedAt}`))
    const covered = uuidToBytes(content.userId).map((byte, at) => byte ^ (pad[at] ?? 0))
    return { ...content, userId: uuidFromBytes(covered) }
  }
}

function mac(key: Uint8Array, signed: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(signed).digest()
}
