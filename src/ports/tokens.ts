import type { AccessClaims } from '../core/access-claims.js'
import type { TokenContents, TokenKind } from '../core/opaque-token.js'

/** Makes and checks the opaque tokens, with keys derived from the root secrets. */
export interface OpaqueTokens {
  issue<Kind extends TokenKind>(kind: Kind, content: TokenContents[Kind]): string
  /**
   * The content of a genuine token of this kind, checked in constant time; undefined for any other text.
   * Says nothing about its age, or whether its session still exists.
   */
  open<Kind extends TokenKind>(kind: Kind, text: string): TokenContents[Kind] | undefined
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
