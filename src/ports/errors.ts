/**
 * What the use cases need from outside. Every time in this file is milliseconds since the epoch by
 * the database's clock, every id of a user or a session a lower-case UUID. A port that cannot serve
 * throws `Unavailable`, and then nothing was done or, where the answer was lost on the way, whatever
 * was done can be asked for again.
 */

/** The store, a queue or another part cannot serve now; answered with 503 and `Retry-After`. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
  constructor(
    message: string,
    readonly retryAfterSeconds = 1,
    options?: ErrorOptions
  ) {
    super(message, options)
  }
}

/** Thrown by a paged listing for a cursor that it did not make. */
export class InvalidCursor extends Error {
  override readonly name = 'InvalidCursor'
}
