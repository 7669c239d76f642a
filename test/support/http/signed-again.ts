import type { AccessClaims } from '../../../src/core/access-claims.js'
import type { Ports } from '../../../src/ports/index.js'

/** A good token with the claims of `token` and these changes. */
export function signedAgain(
  { accessTokens }: Pick<Ports, 'accessTokens'>,
  token: string,
  changed: Partial<AccessClaims>
): Promise<string> {
  return accessTokens.sign({ ...claimsOf(token), ...changed })
}

/** The claims of an access token, unchecked. */
export function claimsOf(token: string): AccessClaims {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
