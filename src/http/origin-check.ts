import type { FastifyRequest } from 'fastify'
import { Refused } from '../service/refused.js'
import type { HttpContext } from './context.js'

/**
 * Refuses a request that would act with cookies on behalf of another site's page (ASVS 3.5.1-3.5.3).
 * Browsers say where a request comes from; programs that are no browsers say nothing, and hold no
 * cookies but their own.
 */
export function requireOwnOrigin(request: FastifyRequest, { ports, settings }: HttpContext): void {
  const { origin, 'sec-fetch-site': site } = request.headers
  if (origin !== undefined && settings.allowedOrigins.includes(origin)) return
  if (site === 'same-origin' || site === 'none') return
  if (site !== undefined) throw new Refused('forbidden_origin')
  if (origin === undefined || origin === `${request.protocol}://${request.host}`) return
  // Behind a proxy that ends TLS and is not trusted to say so, the request looks like plain http.
  if (origin === new URL(ports.identity.issuer).origin) return
  throw new Refused('forbidden_origin')
}
