import { CannotStart, inOneLine } from '../ports/errors.js'
import { Refused } from '../service/refused.js'

const programmingErrors = [TypeError, RangeError, ReferenceError, SyntaxError]

/**
 * The error as text for the user of the command line. Our errors say what to do, so their message is enough. An error that
 * only a bug can throw is shown with its stack.
 */
export function explain(error: unknown): string {
  if (error instanceof Refused) return explainRefusal(error)
  if (error instanceof CannotStart) return error.message
  if (!(error instanceof Error)) return String(error)
  if (programmingErrors.some((type) => error instanceof type)) return error.stack ?? error.message
  const { cause } = error
  return cause instanceof Error ? `${messageOf(error)}\n${messageOf(cause)}` : messageOf(error)
}

/** Prisma writes several lines, of which only the last one says what has happened. */
const messageOf = (error: Error) => (error.message.includes('Invalid `prisma.') ? inOneLine(error) : error.message)

function explainRefusal({ code, message, details }: Refused): string {
  if (code === 'not_found') return details.detail ?? 'Nothing has that name or id.'
  if (code === 'email_taken') return 'An account with that e-mail address exists already.'
  if (code === 'last_admin') return 'This is the last admin. Give the role to another account first.'
  if (code === 'too_many_secrets') return 'The client has two secrets already. Delete one first.'
  if (code === 'registration_closed') {
    return 'REGISTRATION is closed, so no new person can be invited. `latchkey user create` still creates accounts.'
  }
  const fields = details.errors?.map(({ field, message: fault }) => `${field} ${fault}.`)
  return fields?.join(' ') ?? message
}
