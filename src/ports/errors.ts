/** The store, a queue or another part cannot serve now. Answered with 503 and `Retry-After`. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
  /** Fastify's own error handler answers with it on a host's route. */
  readonly statusCode = 503
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

/**
 * What went wrong, for one line of a log: the message of `error` and of its causes, unless they say the same. It has no
 * stack, and no other member.
 */
export function inOneLine(error: unknown): string {
  if (!(error instanceof Error)) return wordsOf(error)
  // Prisma explains a fault in the last line. An error of several connection attempts has a code and no message.
  const text = error.message.trim().split('\n').at(-1) || ('code' in error ? String(error.code) : error.name)
  const cause = error.cause === undefined ? '' : inOneLine(error.cause)
  return cause === '' || cause === text ? text : `${text} ${cause}`
}

/** The cause of an error of Prisma's adapters is an object of this form. */
function wordsOf(error: unknown): string {
  const { originalMessage, kind }: { readonly originalMessage?: unknown; readonly kind?: unknown } = Object(error)
  return String(originalMessage ?? kind ?? error)
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

/**
 * A mail server has refused a mail for good (RFC 5321 §4.2.1, a reply that begins with 5): it must not be sent again. A
 * `mailer` of the plugin throws it; after any other error the mail is sent again later.
 *
 * @example
 * ```ts
 * import { MailRefused } from 'latchkey'
 *
 * const error = new MailRefused('550 no such person here')
 * console.log(error.name, error.message) // MailRefused 550 no such person here
 * ```
 */
export class MailRefused extends Error {
  override readonly name = 'MailRefused'
}
