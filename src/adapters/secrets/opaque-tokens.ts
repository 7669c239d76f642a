import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { uuidFromBytes, uuidToBytes } from '../../core/bytes-as-text.js'
import { formatToken, parseToken, signedBytes, type TokenContents, type TokenKind } from '../../core/opaque-token.js'
import type { OpaqueTokens } from '../../ports/tokens.js'
import type { RootSecret, RootSecrets } from './root-secrets.js'

/**
 * Makes and checks the opaque tokens by HMAC-SHA-256, with one key per kind, so that a token of one kind never passes
 * as another. The newest root secret issues, and every configured one opens.
 */
export function opaqueTokens([newest, ...older]: RootSecrets): OpaqueTokens {
  const issuing = { id: newest.id, seals: sealsOf(newest) }
  const opening = [issuing, ...older.map((secret) => ({ id: secret.id, seals: sealsOf(secret) }))]

  return {
    issue: (kind, content) => issueUnder(issuing, kind, content),

    issueUnderEach: (kind, content) => opening.map((secret) => issueUnder(secret, kind, content)),

    open<Kind extends TokenKind>(kind: Kind, text: string) {
      const token = parseToken(kind, text)
      if (token === undefined) return undefined
      const seal = opening
        .filter(({ id }) => id === token.keyId)
        .flatMap(({ seals }): readonly Seal<Kind>[] => seals[kind])
        .find(({ key }) => timingSafeEqual(mac(key, token.signed), token.mac))
      return seal?.crypt(token.content)
    }
  }
}

interface Secret {
  readonly id: number
  readonly seals: Seals
}

function issueUnder<Kind extends TokenKind>({ id, seals }: Secret, kind: Kind, content: TokenContents[Kind]): string {
  const [{ key, crypt }] = seals[kind]
  const signed = signedBytes(kind, id, crypt(content))
  return formatToken(kind, signed, mac(key, signed))
}

interface Seal<Kind extends TokenKind> {
  readonly key: KeyObject
  /** Encrypts what the token must not show. Applied again, it decrypts. */
  readonly crypt: (content: TokenContents[Kind]) => TokenContents[Kind]
}

/** The first seal of a kind makes tokens. Every seal opens them. */
type Seals = { readonly [Kind in TokenKind]: readonly [Seal<Kind>, ...Seal<Kind>[]] }

function sealsOf(secret: RootSecret): Seals {
  const deriveKey = (purpose: Parameters<RootSecret['deriveKey']>[0]) => createSecretKey(secret.deriveKey(purpose))
  const plain = <T>(content: T) => content
  return {
    refresh: [{ key: deriveKey('refresh token v1'), crypt: plain }],
    session: [{ key: deriveKey('session token v1'), crypt: plain }],
    link: [{ key: deriveKey('one-time link v1'), crypt: plain }],
    device: [
      { key: deriveKey('device token v2'), crypt: userIdCipher(deriveKey('device token user id v2')) },
      // Version 0.1.0 showed the user id. Devices with such a token stay known.
      { key: deriveKey('device token v1'), crypt: plain }
    ]
  }
}

/**
 * Encrypts the user id, and decrypts it again: XOR with bytes that depend on the device and the time. The same bytes never
 * encrypt two user ids, because a device gets a new id when another user signs in.
 */
function userIdCipher(key: KeyObject): Seal<'device'>['crypt'] {
  return (content) => {
    const pad = mac(key, Buffer.from(`${content.deviceId} ${content.issuedAt}`))
    const result = uuidToBytes(content.userId).map((byte, at) => byte ^ (pad[at] ?? 0))
    return { ...content, userId: uuidFromBytes(result) }
  }
}

function mac(key: KeyObject, signed: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(signed).digest()
}
