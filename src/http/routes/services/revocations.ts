import { Readable } from 'node:stream'
import type { Static } from 'typebox'
import type { Routes } from '../../context.js'
import { describe } from '../../describe.js'
import { FeedHeaders, FeedResponse } from '../../schemas/index.js'
import { serviceGuard } from '../../service-credentials.js'
import { revocationStream } from './revocation-stream.js'

/** GET /revocations: the feed of revoked sessions, for whoever verifies access tokens by itself. */
export const revocationsRoutes: Routes = (app, { ports, settings }) => {
  const closing = new AbortController()
  // The server waits for every response to end, and these do not end by themselves.
  app.addHook('preClose', async () => closing.abort())

  app.get<{ Headers: Static<typeof FeedHeaders> }>(
    '/revocations',
    {
      onRequest: serviceGuard(settings),
      schema: describe({
        summary: 'The feed of revoked sessions',
        tag: 'discovery',
        forServices: true,
        headers: FeedHeaders,
        response: { 200: FeedResponse },
        problems: ['invalid_request', 'unavailable']
      })
    },
    async (request, reply) => {
      const lastEventId = request.headers['last-event-id']
      const lastId = lastEventId === undefined ? undefined : BigInt(lastEventId)
      const { revocationFeed: feed, accessTokens: keys } = ports
      const stream = revocationStream({ feed, keys, lastId, over: closing.signal })
      return (
        reply
          .type('text/event-stream')
          .header('cache-control', 'no-store')
          .header('x-accel-buffering', 'no')
          // A connection that is kept for a next request would keep a closing server waiting.
          .header('connection', 'close')
          .send(Readable.from(stream))
      )
    }
  )
}
