import type { Static } from 'typebox'
import type { HttpContext, Scope } from '../context.js'
import { isAnsweredSlowly, type ProblemResponse, refuse } from '../problem.js'
import { type TokenError, tokenErrors } from '../schemas/services/token.js'

/**
 * Makes the scope answer the errors of a token endpoint as RFC 6749 §5.2 has them. Others, such as 429 and 503, stay
 * problems: that section has no code for them.
 */
export function answerTokenErrors(scope: Scope, context: HttpContext): void {
  scope.setErrorHandler(async (error, request, reply) => {
    if (isAnsweredSlowly(error)) await context.ports.refusalPause()
    return refuse(request, reply, error, context, asTokenError)
  })
}

function asTokenError(problem: ProblemResponse): ProblemResponse {
  const { code, type, title, detail, errors = [] } = problem.body
  const error = tokenErrors.find((known) => known === code)
  if (error === undefined) return problem
  const faults = errors.map(({ field, message }) => `${field} ${message}`).join(', ')
  const body: Static<typeof TokenError> = {
    error,
    error_description: printable(detail ?? (faults || title)),
    error_uri: type
  }
  return { ...problem, sent: body, headers: { ...problem.headers, 'content-type': 'application/json; charset=utf-8' } }
}

/** RFC 6749 §5.2 allows these characters, and a client can name a parameter with others. */
function printable(text: string): string {
  return text.replace(/[^ !#-[\]-~]/g, '?')
}
