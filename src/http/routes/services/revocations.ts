import { Readable } from 'node:stream'
import { credentialEnd } from '../../clients/require-service.js'
import type { Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { FeedHeaders, FeedResponse } from '../../schemas/services/revocations.js'
import { revocationStream } from './revocation-stream.js'

/** For a host's @fastify/compress of every type: it would hold entries back until a block of them is full. */
const uncompressed: object = { compress: false }

/** GET /revocations: the feed of revoked sessions, for services that verify access tokens themselves. */
export const revocationsRoutes: Routes = (app, { ports }) => {
  const { revocationFeed: feed, accessTokens: keys, clock } = ports
  const closing = new AbortController()
  // A closing server waits for all responses, and a stream does not end by itself.
  app.addHook('preClose', async () => closing.abort())

  app.get(
    '/revocations',
    {
      ...uncompressed,
      ...describe({ summary: 'The feed of revoked sessions', headers: FeedHeaders, response: { 200: FeedResponse } })
    },
    async (request, reply) => {
      const lastEventId = request.headers['last-event-id']
      const end = credentialEnd(request)
      const credential = end && { sid: end.sid, hasExpired: () => clock.now() >= end.expiresAt }
      const stream = revocationStream({ feed, keys, lastEventId, credential, closing: closing.signal })
      return (
        reply
          .type('text/event-stream')
          .header('x-accel-buffering', 'no')
          // A connection kept for another request would keep a closing server waiting.
          .header('connection', 'close')
          // Fastify would read the stream to its end for HEAD too, and it has none.
          .send(Readable.from(request.method === 'HEAD' ? [] : stream))
      )
    }
  )
}
