import { Unavailable } from '../ports/errors.js'
import { Refused } from '../service/refused.js'

const slips = [TypeError, RangeError, ReferenceError, SyntaxError]

/**
 * What went wrong, in words for whoever typed the command. Our errors say what to do, so their
 * message is enough; the stack is shown of what only a mistake in the program can throw.
 */
export function explain(error: unknown): string {
  if (error instanceof Refused) return explainRefusal(error)
  if (error instanceof Unavailable) return `The database cannot serve now: ${error.message}`
  if (!(error instanceof Error)) return String(error)
  if (slips.some((slip) => error instanceof slip)) return error.stack ?? error.message
  return error.cause instanceof Error ? `${error.message}\n${error.cause.message}` : error.message
}

function explainRefusal({ code, message, details }: Refused): string {
  if (code === 'not_found') return 'There is none of that name or id.'
  if (code === 'email_taken') return 'There is an account with that e-mail address already.'
  const fields = details.errors?.map(({ field, message: fault }) => `${field} ${fault}.`)
  return fields?.join(' ') ?? message
}
