import { createVerifier, type VerifierOptions } from 'latchkey/verifier'

/** Options can come from the environment: one that is missing is an error at the start, which names it. */
const { ISSUER, AUDIENCE, JWKS_URL, FEED_URL, SERVICE_ID, SERVICE_SECRET } = process.env
export const options: VerifierOptions = {
  issuer: ISSUER,
  audience: AUDIENCE,
  jwksUrl: JWKS_URL,
  feed: { url: FEED_URL, credential: { id: SERVICE_ID, secret: SERVICE_SECRET } }
}
export const withoutFeed: VerifierOptions = { issuer: ISSUER, audience: AUDIENCE, feed: undefined, stale: undefined }

export async function verify(token: string): Promise<string> {
  const result = await createVerifier(options).verify(token)
  // @ts-expect-error a refused token has no claims
  result.claims
  return result.ok ? result.claims.sub : result.code
}

// @ts-expect-error a verifier without an audience would accept tokens for other services
export const withoutAudience: VerifierOptions = { issuer: ISSUER }
// @ts-expect-error stale is allow or deny
export const unknownStale: VerifierOptions = { issuer: ISSUER, audience: AUDIENCE, stale: 'refuse' }
