/** The store, a queue or another part cannot serve now. Answered with 503 and `Retry-After`. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
  readonly answerSlowly: boolean
  constructor(
    message: string,
    readonly retryAfterSeconds = 1,
    options?: ErrorOptions & {
      /** Delay the response: there are too many requests, and a client that waits sends fewer. */
      readonly answerSlowly?: boolean | undefined
    }
  ) {
    super(message, options)
    this.answerSlowly = options?.answerSlowly ?? false
  }
}

/** A listing was given a cursor that it did not make. */
export class InvalidCursor extends Error {
  override readonly name = 'InvalidCursor'
}

/**
 * A server or a database that the settings name cannot be used. `message` is one line that names the cause and what
 * would do, without credentials.
 */
export class CannotStart extends Error {
  override readonly name = 'CannotStart'
}
