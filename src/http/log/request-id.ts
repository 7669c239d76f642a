import type { FastifyInstance, RawRequestDefaultExpression } from 'fastify'
import type { Entropy } from '../../ports/index.js'

export const requestIdHeader = 'x-request-id'

/** Shorter than every token of ours, so none can get into the log as an id. */
const acceptable = /^[\w.:+/=@-]{1,64}$/

/**
 * Gives each request of `app` an id: the one in its `X-Request-Id`, so that the log of a proxy and ours can be joined,
 * or a new UUID if the client sent none or an unacceptable one. The response carries the id.
 */
export function identifyRequests(app: FastifyInstance, entropy: Pick<Entropy, 'uuid'>): void {
  app.setGenReqId(({ headers }: RawRequestDefaultExpression) => {
    const given = headers[requestIdHeader]
    return typeof given === 'string' && acceptable.test(given) ? given : entropy.uuid()
  })
  app.addHook('onRequest', async (request, reply) => void reply.header(requestIdHeader, request.id))
}
