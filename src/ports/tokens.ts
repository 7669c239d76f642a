import type { AccessClaims } from '../core/access-claims.js'
import type { DeviceTokenContent } from '../core/device-token.js'
import type { TokenContent, TokenKind } from '../core/refresh-token.js'

/** Makes and checks the opaque credentials, with the keys that come of the root secrets. */
export interface OpaqueTokens {
  issue(kind: TokenKind, content: Omit<TokenContent, 'keyId'>): string
  /** The content of a genuine token, checked in constant time; undefined for any other text. */
  open(kind: TokenKind, text: string): TokenContent | undefined
}

/** Makes and checks what a client proves with that it has signed in to an account before. It is no credential. */
export interface DeviceTokens {
  issue(content: Omit<DeviceTokenContent, 'keyId'>): string
  /** The content of a genuine token, of whatever age, checked in constant time; undefined for any other text. */
  open(text: string): DeviceTokenContent | undefined
}

/** Signs and verifies access tokens with the keys that are in force. */
export interface AccessTokens {
  sign(claims: AccessClaims): Promise<string>
  /**
   * The payload of a token with a good signature by one of our keys, its exact `alg` and `typ`, and
   * no header that points elsewhere; undefined for any other text. Claims are not judged here.
   */
  open(token: string): unknown
  /** The public keys, as a JWK Set (RFC 7517 §5). */
  jwks(): { readonly keys: readonly JsonWebKey[] }
  /** Calls `follower` whenever this process may have other keys than before, until the function it returns is called. */
  followKeys(follower: () => void): () => void
}

export interface JsonWebKey {
  readonly kid: string
  readonly kty: string
  readonly alg: string
  readonly use: 'sig'
  readonly [member: string]: string
}
