/** The store, a queue or another part cannot serve now. Answered with 503 and `Retry-After`. */
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

/** A listing was given a cursor that it did not make. */
export class InvalidCursor extends Error {
  override readonly name = 'InvalidCursor'
}
