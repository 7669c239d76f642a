/** How access tokens can be signed (RFC 7518 §3.1, RFC 8037 §3.1). */
export const signingAlgorithms = ['ES256', 'EdDSA', 'RS256', 'HS256'] as const

export type SigningAlgorithm = (typeof signingAlgorithms)[number]

export function isSigningAlgorithm(text: string): text is SigningAlgorithm {
  return (signingAlgorithms as readonly string[]).includes(text)
}
