import type { Readable } from 'node:stream'
import { Type } from 'typebox'

export const FeedHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ pattern: '^[0-9]{1,18}$', description: 'The last `id` that the reader has seen.' })
  )
})
/** A text that the handler sends as a stream. */
export const FeedResponse = Type.Unsafe<Readable>(
  Type.String({
    description:
      'Server-sent events. First every entry after `Last-Event-ID`: `event: revocation` with the data `{sid, reason, at, expires_at}`, where a null `sid` means every session. Then `event: keys` with the data `{kids}`, the keys of the JWK Set, now and after every change; refuse tokens of other keys. Then `event: ready` once, and each new entry when it comes. A comment follows each second without an event, as long as this instance misses nothing. An entry can come twice.'
  })
)
