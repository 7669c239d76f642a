/** The store, a queue or another part cannot serve now. Answered with 503 and `Retry-After`. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
  readonly answerSlowly: boolean
  constructor(
    message: string,
    readonly retryAfterSeconds = 1,
    options?: ErrorOptions & {
      /** The cause is too many requests: let the client wait for the answer, so that it makes fewer. */
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
