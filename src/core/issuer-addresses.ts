/**
 * The addresses of the service as clients see them. They follow the issuer alone: a proxy can serve the routes under
 * another path than the one at which the service has them.
 */
export interface IssuerAddresses {
  /** The issuer without slashes at its end. The address of a route is this and the path of the route. */
  readonly base: string
  /** The path of `base`, such as `/auth`; empty if it has none. */
  readonly path: string
  /** Where problems are explained: the beginning of their `type`. */
  readonly errors: string
  /** Where RFC 8414 §3.1 asks for the metadata: before the issuer's path, while our other routes are behind it. */
  readonly metadata: string
}

const metadataRoute = '/.well-known/oauth-authorization-server'

/** The addresses of an issuer, which is an absolute address. All but `base` are paths. */
export function issuerAddresses(issuer: string): IssuerAddresses {
  const base = issuer.replace(/\/+$/, '')
  const path = new URL(base).pathname.replace(/\/+$/, '')
  return { base, path, errors: `${path}/docs/errors.md`, metadata: `${metadataRoute}${path}` }
}
