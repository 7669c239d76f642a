import type { AccessClaims, ClientClaims } from '../core/access-claims.js'
import type { TokenContents, TokenKind } from '../core/opaque-token.js'

/** Makes and checks the opaque tokens, with keys derived from the root secrets. */
export interface OpaqueTokens {
  issue<Kind extends TokenKind>(kind: Kind, content: TokenContents[Kind]): string
  /**
   * The token as `issue` makes it, but under each root secret, newest first: one of them is the token that was issued
   * before the root secret changed.
   */
  issueUnderEach<Kind extends TokenKind>(kind: Kind, content: TokenContents[Kind]): readonly string[]
  /**
   * The content of a genuine token of this kind, checked in constant time; undefined for any other text. Says nothing
   * about its age, or whether its session still exists.
   */
  open<Kind extends TokenKind>(kind: Kind, text: string): TokenContents[Kind] | undefined
}

/** Signs and verifies access tokens with the signing keys. */
export interface AccessTokens {
  /** Throws `Unavailable` while no key is active. */
  sign(claims: AccessClaims | ClientClaims): Promise<string>
  /**
   * The payload of a token with a good signature by one of our keys, that key's `alg`, our `typ` and no other header
   * member; undefined for any other text. Does not check the claims. Never throws.
   */
  open(token: string): unknown
  /** Whether the key of a token that was opened is still in force. */
  hasKeyOf(token: string): boolean
  /** The public keys that verify, as a JWK Set (RFC 7517 §5). */
  jwks(): { readonly keys: readonly JsonWebKey[] }
  /** Calls `follower` whenever the keys may have changed; returns a function that stops this. */
  followKeys(follower: () => void): () => void
}

/** A public key (RFC 7517 §4). */
export interface JsonWebKey {
  readonly kid: string
  readonly kty: string
  readonly alg: string
  readonly use: 'sig'
  readonly [member: string]: string
}
