import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import { jwksMaxAgeSeconds } from '../../core/key-rotation.js'
import { serviceScopes } from '../../core/scopes.js'
import type { HttpContext, Routes } from '../context.js'
import { describe } from '../describe.js'
import { sendJson } from '../host/own-bodies.js'
import { JwksResponse, MetadataResponse, RedirectResponse } from '../schemas/discovery.js'

/** The JWK Set (RFC 7517 §5), the issuer's metadata (RFC 8414 §3), and the redirect to the form for a new password. */
export const discoveryRoutes: Routes = (app, context) => {
  const { ports } = context

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
      reply.header('cache-control', `public, max-age=${jwksMaxAgeSeconds}`)
      return metadataOf(context)
    }
  )

  if (!ports.policy.passwordLogin) return
  // Without a prefix, a host can have a route of its own at this address. It stays.
  if (app.hasRoute({ method: 'GET', url: app.prefix + changePasswordRoute })) return
  app.get(
    changePasswordRoute,
    describe({
      summary: 'Redirect to the form where a person changes the password',
      description: 'For password managers (W3C, A Well-Known URL for Changing Passwords).',
      tag: 'discovery',
      response: { 302: RedirectResponse }
    }),
    (_request, reply) => reply.redirect(changePasswordAddress(ports), 302)
  )
}

const changePasswordRoute = '/.well-known/change-password'

const changePasswordAddress = ({ accountUrl }: HttpContext['ports']) => `${accountUrl}#password`

/**
 * Adds the redirect to the form for a new password at the root of the app, because password managers look for it at the
 * root of an origin. A host that has a route there keeps it.
 */
export function serveChangePassword(app: FastifyInstance, { ports }: HttpContext): void {
  if (!ports.policy.passwordLogin || app.hasRoute({ method: 'GET', url: changePasswordRoute })) return
  outermost(app).get(changePasswordRoute, { schema: { hide: true } }, (_request, reply) =>
    reply.redirect(changePasswordAddress(ports), 302)
  )
}

/**
 * Adds the metadata at the address that RFC 8414 §3.1 asks for, if that is outside of our prefix: for the issuer
 * `https://example.com/auth` it is `/.well-known/oauth-authorization-server/auth`. A host that has a route there keeps it.
 */
export function serveIssuerMetadata(app: FastifyInstance, context: HttpContext): void {
  const url = decodeURI(context.addresses.metadata)
  // Fastify would read these as a parameter and a wildcard.
  if (/[:*]/.test(url) || app.hasRoute({ method: 'GET', url })) return
  outermost(app).get(url, { schema: { hide: true } }, async (_request, reply) =>
    sendJson(reply.header('cache-control', `public, max-age=${jwksMaxAgeSeconds}`), metadataOf(context))
  )
}

/** The nearest instance without a prefix: Fastify's instances inherit from the one in which they are registered. */
function outermost(app: FastifyInstance): FastifyInstance {
  return app.prefix === '' ? app : outermost(Object.getPrototypeOf(app))
}

function metadataOf({ ports, settings, addresses: { base } }: HttpContext): Static<typeof MetadataResponse> {
  return {
    issuer: ports.identity.issuer,
    jwks_uri: `${base}/.well-known/jwks.json`,
    token_endpoint: `${base}/token`,
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    introspection_endpoint: `${base}/introspect`,
    // An access token is a method of authentication here (RFC 8414 §2), but not for the revocation endpoint.
    introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'Bearer'],
    revocation_endpoint: `${base}/revoke`,
    revocation_endpoint_auth_methods_supported: ['client_secret_basic'],
    revocation_feed: `${base}/revocations`,
    scopes_supported: [...serviceScopes],
    response_types_supported: [],
    grant_types_supported: ['client_credentials'],
    ...(settings.docs && { service_documentation: `${base}/docs` })
  }
}
