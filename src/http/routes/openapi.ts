import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { HttpContext, Scope } from '../context.js'
import { cookieName } from '../cookies.js'
import { openapiSchema } from '../describe.js'

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
          'Short-lived access JWTs, rotating refresh tokens, one row per device. Every error is a problem document (RFC 9457) with a stable `code`.'
      },
      servers: [{ url: addresses.base }],
      tags: [
        { name: 'sessions', description: 'Sign in, refresh, sign out, and the devices of a user' },
        { name: 'account', description: "The user's own account" },
        { name: 'admin', description: 'For users with the role `admin`' },
        { name: 'discovery', description: 'For services that verify access tokens' },
        { name: 'health', description: 'For operators' }
      ],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
          session: { type: 'apiKey', in: 'cookie', name: cookieName('session', settings) },
          service: { type: 'http', scheme: 'basic', description: 'An id and a secret from `SERVICE_CREDENTIALS`.' }
        }
      }
    }
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // Without a slash at its end, `/docs` needs the path at which browsers see it.
    indexPrefix: addresses.path,
    staticCSP: contentSecurityPolicy
  })
}

/** The page loads scripts, styles and data from this service only. */
const contentSecurityPolicy =
  "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:; object-src 'none'"
