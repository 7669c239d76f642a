import type { FastifyRequest } from 'fastify'
import { Refused } from '../service/refused.js'
import type { HttpContext } from './context.js'

/** The methods that change nothing (RFC 9110 §9.2.1). */
export const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whether a cookie of this request is accepted only from our own pages: if it changes something, or opens a WebSocket.
 * CORS does not apply to WebSockets, so another site's page could read and send messages (RFC 6455 §10.2).
 */
export function needsOwnOrigin({ method, headers }: FastifyRequest): boolean {
  return !safeMethods.has(method) || headers.upgrade !== undefined
}

/**
 * Refuses a request with cookies that another site's page has sent (ASVS 3.5.1-3.5.3). Browsers name the origin in
 * headers. A request without these headers comes from another kind of program, whose cookies no website can use.
 */
export function requireOwnOrigin(request: FastifyRequest, { ports, settings }: HttpContext): void {
  const { origin, 'sec-fetch-site': site } = request.headers
  if (origin !== undefined && settings.allowedOrigins.includes(origin)) return
  if (site === 'same-origin' || site === 'none') return
  if (site !== undefined) throw new Refused('forbidden_origin')
  if (origin === undefined || origin === `${request.protocol}://${request.host}`) return
  // Behind a proxy that terminates TLS, but is not listed as trusted, the request looks like plain http.
  if (origin === new URL(ports.identity.issuer).origin) return
  throw new Refused('forbidden_origin')
}
