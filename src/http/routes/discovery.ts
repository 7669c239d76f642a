import { jwksMaxAgeSeconds } from '../../core/key-rotation.js'
import type { Routes } from '../context.js'
import { describe } from '../describe.js'
import { JwksResponse, MetadataResponse } from '../schemas/index.js'

/** The JWK Set (RFC 7517 §5) and the issuer's metadata (RFC 8414 §3). */
export const discoveryRoutes: Routes = (app, { ports, settings }) => {
  app.get(
    '/.well-known/jwks.json',
    {
      schema: describe({
        summary: 'The public keys that verify access tokens',
        tag: 'discovery',
        response: { 200: JwksResponse },
        problems: ['unavailable']
      })
    },
    async (_request, reply) => {
      reply.header('cache-control', `public, max-age=${jwksMaxAgeSeconds}`)
      return ports.accessTokens.jwks()
    }
  )

  app.get(
    '/.well-known/oauth-authorization-server',
    {
      schema: describe({
        summary: 'What this issuer is and where its keys are',
        tag: 'discovery',
        response: { 200: MetadataResponse }
      })
    },
    async (_request, reply) => {
      const issuer = ports.identity.issuer.replace(/\/$/, '')
      reply.header('cache-control', `public, max-age=${jwksMaxAgeSeconds}`)
      return {
        issuer: ports.identity.issuer,
        jwks_uri: `${issuer}/.well-known/jwks.json`,
        response_types_supported: [],
        grant_types_supported: [],
        ...(settings.serviceCredentials.length > 0 && serviceEndpoints(issuer)),
        service_documentation: `${issuer}/docs`
      }
    }
  )
}

/** What only somebody with a service credential can use is named where there is one. */
function serviceEndpoints(issuer: string) {
  return {
    introspection_endpoint: `${issuer}/introspect`,
    introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
    revocation_endpoint: `${issuer}/revoke`,
    revocation_endpoint_auth_methods_supported: ['client_secret_basic'],
    revocation_feed: `${issuer}/revocations`
  }
}
