import type { Readable } from 'node:stream'
import { Type } from 'typebox'

export const FeedHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      pattern: '^(?:[A-Za-z0-9_-]{1,32}\\.)?[0-9]{1,19}$',
      description:
        'The last `id` that the reader has seen, as it was sent. All entries follow if this instance does not know it.'
    })
  )
})
/** A text that the handler sends as a stream. */
export const FeedResponse = Type.Unsafe<Readable>(
  Type.String({
    description:
      'Server-sent events. First every entry after `Last-Event-ID`: `event: revocation` with the data `{sid, reason, at, expires_at}`, where a null `sid` means every session. The `id` is an opaque text. Then `event: keys` with the data `{kids}`, the keys of the JWK Set, now and after every change; refuse tokens of other keys. Then `event: ready` once, and each new entry when it comes. A comment follows each second without an event, as long as this instance misses nothing. An entry can come twice. The stream ends when the server closes, and after a failover of the database: connect again.'
  })
)
