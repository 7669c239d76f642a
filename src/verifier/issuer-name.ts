import type { ExpectedClaims } from '../core/access-claims.js'
import { fetchJson } from './fetch-json.js'
import type { Runtime } from './runtime.js'

/** Where the service tells its own name (RFC 8414 §3): beside its keys, which may have an address in the network. */
export function metadataUrl(base: string, jwksUrl: URL): URL {
  const isBesideKeys = jwksUrl.pathname.endsWith('/.well-known/jwks.json')
  return isBesideKeys
    ? new URL('oauth-authorization-server', jwksUrl)
    : new URL(`${base}/.well-known/oauth-authorization-server`)
}

/** The `issuer` that the service itself names. Undefined if it cannot be reached or does not say. */
export async function fetchIssuerName(runtime: Runtime, url: URL, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { issuer } = (await fetchJson(runtime, url, runtime.timing.keysTimeout, signal)).json as Record<
      string,
      unknown
    >
    return typeof issuer === 'string' ? issuer : undefined
  } catch {
    return undefined
  }
}

/** Small differences that are easily overlooked, and what removes each. */
const differences: readonly (readonly [name: string, remove: (address: string) => string])[] = [
  ['a slash at the end', (address) => address.replace(/\/+$/, '')],
  ['upper and lower case', (address) => address.toLowerCase()],
  ['http and https', (address) => address.replace(/^http:/, 'https:')],
  ['the port', (address) => address.replace(/:\d+(?=\/|$)/, '')]
]

/** Says that the verifier's `issuer` is not that of the service, so that the verifier refuses all its tokens. */
export function issuerMismatch(expected: string, named: string): string {
  const only = differences.find(([, remove]) => remove(expected) === remove(named))?.[0]
  const difference = only === undefined ? '' : `, which differs only in ${only}`
  const other = JSON.stringify(named)
  return `The verifier's option issuer is "${expected}", but the service names ${other}${difference}. Its tokens are refused. Set the option to ${other}, the ISSUER of the service.`
}

/**
 * Warns once if the service has another name than the verifier expects, and once if its tokens are for other audiences.
 * Only what the service has said or signed counts, so strangers cannot cause a warning.
 */
export function mismatchWarnings({ issuer, audiences }: ExpectedClaims, warn: (message: string) => void) {
  const warned = { issuer: false, audience: false }

  function noteIssuer(named: string): void {
    if (named === issuer || warned.issuer) return
    warned.issuer = true
    warn(issuerMismatch(issuer, named))
  }

  return {
    noteIssuer,

    /** Takes the payload of a refused token whose signature is good. */
    noteSignedPayload(payload: unknown): void {
      if (typeof payload !== 'object' || payload === null) return
      const { iss, aud } = payload as Record<string, unknown>
      if (typeof iss === 'string') noteIssuer(iss)
      const named = [aud].flat()
      if (warned.audience || iss !== issuer || named.length === 0) return
      if (!named.every((name) => typeof name === 'string') || named.some((name) => audiences.includes(name))) return
      warned.audience = true
      warn(
        `The verifier's option audience is "${audiences.join(', ')}", but a token of the service has the audience ${JSON.stringify(aud)}. It was refused. Set the option to one that AUDIENCE of the service has.`
      )
    }
  }
}
