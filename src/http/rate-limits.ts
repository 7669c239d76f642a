import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import { Refused } from '../service/refused.js'

/** Bounds how often one address may try the routes that ask for it in their `config.rateLimit`. */
export async function limitRates(app: FastifyInstance): Promise<void> {
  await app.register(rateLimit, {
    global: false,
    errorResponseBuilder: (_request, { ttl }) => new Refused('too_many_requests', { retryAfterSeconds: ttl / 1000 })
  })
}
