import { createRemoteJWKSet, jwtVerify } from 'jose'

/** Verifies access tokens (RFC 9068) of `issuer`. Resolves to the claims, and rejects any other token. */
export function tokensOf(issuer, audience = issuer) {
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
  const expected = {
    issuer,
    audience,
    algorithms: ['ES256'],
    typ: 'at+jwt',
    requiredClaims: ['exp', 'sub', 'sid', 'roles']
  }
  return async (token) => (await jwtVerify(token, keys, expected)).payload
}
