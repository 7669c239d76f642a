import rateLimit, { type FastifyRateLimitStore } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import { clientNetwork } from '../network-address.js'
import type { Ports } from '../ports/index.js'
import { Refused } from '../service/refused.js'
import { clientAddress } from './client-address.js'
import type { Scope } from './context.js'

/** Limits the requests of one address to routes that are configured by `perAddress`. All limits share one store. */
export async function limitRates(app: Scope, { rateLimits }: Pick<Ports, 'rateLimits'>): Promise<void> {
  class Store implements FastifyRateLimitStore {
    incr(...[key, callback, timeWindow, max]: Parameters<FastifyRateLimitStore['incr']>): void {
      const limit = { name: 'address', max, windowSeconds: timeWindow / 1000 }
      rateLimits.use({ limit, key }).then(
        ({ granted, uses, endsInSeconds }) =>
          callback(null, { current: granted ? uses : max + 1, ttl: Math.max(1, endsInSeconds) * 1000 }),
        (error: Error) => callback(error)
      )
    }

    child(): FastifyRateLimitStore {
      return this
    }
  }

  await app.register(rateLimit, {
    global: false,
    store: Store,
    keyGenerator: networkOf,
    errorResponseBuilder: (_request, { ttl }) => new Refused('too_many_requests', { retryAfterSeconds: ttl / 1000 })
  })
}

/** The `config` of a route that one address can request `max` times a minute. Routes with different names count apart. */
export function perAddress(name: string, max: number) {
  return { rateLimit: { max, timeWindow: 60_000, groupId: ` ${name}` } }
}

/** The network of a client, by which its requests are limited. All clients of a Unix socket are one. */
export function networkOf(request: FastifyRequest): string {
  return clientNetwork(clientAddress(request) ?? '')
}
