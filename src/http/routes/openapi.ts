import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyPluginAsync } from 'fastify'
import type { ServiceScope } from '../../core/scopes.js'
import type { HttpContext, Scope } from '../context.js'
import { cookieName, ownCookie } from '../cookies/cookies.js'
import { openapiSchema } from '../describe.js'
import { sendJson } from '../host/own-bodies.js'

/**
 * GET /openapi.json: the specification, made of the descriptions of all routes of the scope. GET /docs: the page that
 * shows it. A host can have a specification of its own beside it.
 */
export async function serveOpenapi(app: Scope, { addresses, settings }: HttpContext): Promise<void> {
  await app.register(swagger, {
    // The paths are relative to the address of the server, whatever prefix the routes have here.
    transform: ({ url, route }) => ({ schema: openapiSchema(route), url: url.slice(app.prefix.length) }),
    stripBasePath: false,
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Latchkey',
        version: '1',
        description:
          'Short-lived access JWTs, rotating refresh tokens, one row per device. Every error is a problem document (RFC 9457) with a stable `code`. An app that has Latchkey as a plugin can also refuse requests by rules of its own: with any status and the code `refused_by_app`.'
      },
      servers: [{ url: addresses.base }],
      tags: [
        { name: 'sessions', description: 'Sign in, refresh, sign out, and the devices of a user' },
        { name: 'account', description: "The user's own account" },
        { name: 'admin', description: 'For users with the role `admin`' },
        { name: 'clients', description: 'For machine clients' },
        { name: 'discovery', description: 'For services that verify access tokens' },
        { name: 'health', description: 'For operators' }
      ],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
          session: { type: 'apiKey', in: 'cookie', name: cookieName(ownCookie('session', settings), settings) },
          service: {
            type: 'http',
            scheme: 'basic',
            description: 'The id and a secret of a machine client with the scope, or an entry of `SERVICE_CREDENTIALS`.'
          },
          client: {
            type: 'oauth2',
            description: 'The access token of a machine client with the scope.',
            flows: { clientCredentials: { tokenUrl: `${addresses.base}/token`, scopes: { ...scopeTexts } } }
          },
          client_secret: { type: 'http', scheme: 'basic', description: 'The id and a secret of a machine client.' }
        }
      }
    }
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  await app.register(docsPage)
}

const scopeTexts: Readonly<Record<ServiceScope, string>> = {
  'latchkey:introspect': 'Introspect tokens',
  'latchkey:revoke': 'Revoke tokens',
  'latchkey:feed': 'Follow the feed of revoked sessions'
}

/** GET /docs, by @fastify/swagger-ui. The page loads its specification from /docs/json. */
const docsPage: FastifyPluginAsync = async (scope) => {
  // @fastify/swagger-ui would send an object, which a host's hooks could change.
  scope.addHook('onRoute', (route) => {
    if (route.url.endsWith('/docs/json')) route.handler = async (_request, reply) => sendJson(reply, scope.swagger())
  })
  // Relative addresses, so the page finds its files under any prefix.
  await scope.register(swaggerUi, { routePrefix: '/docs', indexPrefix: '.', staticCSP: contentSecurityPolicy })
}

/** The page loads scripts, styles and data from this service only. */
const contentSecurityPolicy =
  "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:; object-src 'none'"
