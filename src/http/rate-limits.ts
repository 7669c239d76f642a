import type { FastifyRequest } from 'fastify'
import type { RateLimit } from '../core/rate-limits.js'
import { clientNetwork } from '../network-address.js'
import type { Ports, RateLimitUse } from '../ports/index.js'
import { Refused } from '../service/refused.js'
import { clientAddress } from './client-address.js'
import type { Scope } from './context.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How many requests to this route one network can make. */
    readonly requestLimit?: RateLimit
  }
}

/** Limits the requests of one network to routes that are configured by `perNetwork`, before their body is read. */
export function limitRequests(scope: Scope, { rateLimits }: Pick<Ports, 'rateLimits'>): void {
  const requestUse = (request: FastifyRequest) => {
    const limit = request.routeOptions.config.requestLimit
    // All clients of a Unix socket are one.
    return limit && { limit, key: clientNetwork(clientAddress(request) ?? '') }
  }

  const requireGranted = async (use: RateLimitUse) => {
    const { granted, endsInSeconds } = await rateLimits.use(use)
    if (!granted) throw new Refused('too_many_requests', { retryAfterSeconds: endsInSeconds })
  }
  scope.addHook('onRequest', (request, _reply, done) => {
    const use = requestUse(request)
    if (use === undefined) done()
    else requireGranted(use).then(() => done(), done)
  })

  // A request that found no room counts towards no limit.
  scope.addHook('onResponse', (request, reply, done) => {
    const use = reply.statusCode === 503 ? requestUse(request) : undefined
    if (use === undefined) done()
    else rateLimits.undo(use).then(() => done(), done)
  })
}

/** The `config` of a route whose requests are limited. */
export function perNetwork(requestLimit: RateLimit) {
  return { requestLimit }
}
