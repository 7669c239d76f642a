import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import type { HttpContext } from '../context.js'
import { cookieName } from '../cookies.js'

/**
 * Serves the specification at /openapi.json and the page that shows it at /docs, both made of the
 * schemas that the routes of this scope validate by. A host may have a specification of its own.
 */
export async function serveOpenapi(app: FastifyInstance, { ports, settings }: HttpContext): Promise<void> {
  await app.register(swagger, {
    transform: ({ schema, url }) => ({ schema: { ...schema, hide: schema?.tags === undefined }, url }),
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Latchkey',
        version: '1',
        description:
          'Short-lived access JWTs, rotating refresh tokens, one row per device. Every refusal is a problem document (RFC 9457) with a stable `code`.'
      },
      servers: [{ url: ports.identity.issuer }],
      tags: [
        { name: 'sessions', description: 'Sign in, refresh, sign out, and the devices of a person' },
        { name: 'account', description: "A person's own account" },
        { name: 'admin', description: 'For ops: the role `admin`' },
        { name: 'discovery', description: 'For services that verify access tokens' },
        { name: 'health', description: 'For whoever runs it' }
      ],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
          session: { type: 'apiKey', in: 'cookie', name: cookieName('session', settings) },
          service: { type: 'http', scheme: 'basic', description: 'An id and secret of `SERVICE_CREDENTIALS`.' }
        }
      }
    }
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: contentSecurityPolicy })
}

/** The page runs what we serve and nothing else, and asks nobody else anything. */
const contentSecurityPolicy =
  "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:; object-src 'none'"
