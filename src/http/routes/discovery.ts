import { jwksMaxAgeSeconds } from '../../core/key-rotation.js'
import type { Routes } from '../context.js'
import { describe } from '../describe.js'
import { JwksResponse, MetadataResponse } from '../schemas/discovery.js'

/** The JWK Set (RFC 7517 §5) and the issuer's metadata (RFC 8414 §3). */
export const discoveryRoutes: Routes = (app, { ports, settings }) => {
  app.get(
    '/.well-known/jwks.json',
    describe({
      summary: 'The public keys that verify access tokens',
      tag: 'discovery',
      response: { 200: JwksResponse },
      problems: ['unavailable']
    }),
    async (_request, reply) => {
      reply.header('cache-control', `public, max-age=${jwksMaxAgeSeconds}`)
      return { keys: [...ports.accessTokens.jwks().keys] }
    }
  )

  app.get(
    '/.well-known/oauth-authorization-server',
    describe({
      summary: 'The metadata of this issuer (RFC 8414)',
      tag: 'discovery',
      response: { 200: MetadataResponse }
    }),
    async (_request, reply) => {
      const issuer = ports.identity.issuer.replace(/\/$/, '')
      reply.header('cache-control', `public, max-age=${jwksMaxAgeSeconds}`)
      return {
        issuer: ports.identity.issuer,
        jwks_uri: `${issuer}/.well-known/jwks.json`,
        response_types_supported: [],
        grant_types_supported: [],
        ...(settings.serviceCredentials.length > 0 && serviceEndpoints(issuer)),
        ...(settings.docs && { service_documentation: `${issuer}/docs` })
      }
    }
  )
}

/** Only named if there is a service credential, because these endpoints are of use only with one. */
function serviceEndpoints(issuer: string) {
  const basic: 'client_secret_basic'[] = ['client_secret_basic']
  return {
    introspection_endpoint: `${issuer}/introspect`,
    introspection_endpoint_auth_methods_supported: basic,
    revocation_endpoint: `${issuer}/revoke`,
    revocation_endpoint_auth_methods_supported: basic,
    revocation_feed: `${issuer}/revocations`
  }
}
