import type { FastifyRequest } from 'fastify'
import type { Scope } from './context.js'

/**
 * Answers 404 unless the path is spelled as its route is. Routers accept more: `/%61dmin/users` everywhere and, with a
 * host's options, `//admin/users`, `/Admin/users` or `/admin/users/`. A proxy's rule for `/admin` would not see them.
 */
export function requireExactAddresses(scope: Scope): void {
  const patterns = new Map<string, RegExp>()
  scope.addHook('onRoute', ({ url, method }) => {
    if (method !== 'OPTIONS') patterns.set(url, addressPattern(url))
  })
  const isExact = (request: FastifyRequest) => {
    const path = pathOf(request)
    if (patterns.get(request.routeOptions.url ?? '')?.test(path)) return true
    // @fastify/cors has one route for OPTIONS at every address, and Fastify names `/docs/` after `/docs`.
    return [...patterns.values()].some((pattern) => pattern.test(path))
  }
  scope.addHook('onRequest', (request, reply, done) => {
    if (isExact(request)) done()
    else reply.callNotFound()
  })
}

/** The path of a request as it was sent. The address may be absolute (RFC 9112 §3.2.2). */
export function pathOf({ url }: FastifyRequest): string {
  if (url.startsWith('/') && !url.includes('?')) return url
  return url.replace(/^https?:\/\/[^/?#]*/i, '').split('?', 1)[0] ?? ''
}

/** Matches the paths of a route. Its parameters are ids and names of files, which need no percent-encoding. */
export function addressPattern(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment.startsWith(':')) return '[\\w.~-]+'
    return segment === '*' ? '[\\w.~/-]*' : encodeURI(segment).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${segments.join('/')}$`)
}
