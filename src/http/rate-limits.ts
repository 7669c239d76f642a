import rateLimit, { type FastifyRateLimitStore, normalizeIP } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import type { Ports } from '../ports/index.js'
import { Refused } from '../service/refused.js'
import type { Scope } from './context.js'

/** Bounds how often one address may try the routes that ask for it by `perAddress`; counted where all limits are. */
export async function limitRates(app: Scope, { rateLimits }: Pick<Ports, 'rateLimits'>): Promise<void> {
  class Store implements FastifyRateLimitStore {
    incr(...[key, callback, timeWindow, max]: Parameters<FastifyRateLimitStore['incr']>): void {
      const allowance = { name: 'address', max, windowSeconds: timeWindow / 1000 }
      rateLimits.use({ allowance, key }).then(
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

/** The `config` of a route that one address may try `max` times a minute; `name` sets it apart from other routes. */
export function perAddress(name: string, max: number) {
  return { rateLimit: { max, timeWindow: 60_000, groupId: ` ${name}` } }
}

/** What stands for one client: its IPv4 address, or the /64 that an IPv6 client has to itself. */
export function networkOf({ ip }: Pick<FastifyRequest, 'ip'>): string {
  // A socket of the file system has no address.
  return normalizeIP(ip ?? '')
}
