import { CannotStart } from '../ports/errors.js'
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
  return error.cause instanceof Error ? `${error.message}\n${error.cause.message}` : error.message
}

function explainRefusal({ code, message, details }: Refused): string {
  if (code === 'not_found') return 'Nothing has that name or id.'
  if (code === 'email_taken') return 'An account with that e-mail address exists already.'
  if (code === 'last_admin') return 'This is the last admin. Give the role to another account first.'
  const fields = details.errors?.map(({ field, message: fault }) => `${field} ${fault}.`)
  return fields?.join(' ') ?? message
}
