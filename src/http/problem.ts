import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionError, FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { InvalidCursor, Unavailable } from '../ports/errors.js'
import { type FieldError, type RefusalCode, type RefusalDetails, Refused } from '../service/refused.js'
import type { Problem } from './schemas/problem.js'

/** The codes of our own refusals, and of errors that Fastify or the server finds. */
type ProblemCode =
  | RefusalCode
  | 'method_not_allowed'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'request_timeout'
  | 'headers_too_large'
  | 'unavailable'
  | 'internal_error'

/** Status and title of every code: the one place where an error becomes a response. docs/errors.md explains each. */
export const problems: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  invalid_request: [400, 'The request does not fit its schema'],
  mode_not_allowed: [400, 'This server does not offer that mode'],
  ambiguous_credentials: [400, 'More than one credential was sent'],
  password_too_short: [400, 'The password is too short'],
  password_too_common: [400, 'The password is too common'],
  password_too_long: [400, 'The password is too long'],
  invalid_credentials: [401, 'E-mail or password is wrong'],
  missing_credentials: [401, 'No credential was sent'],
  invalid_token: [401, 'The token is not valid'],
  token_expired: [401, 'The token has expired'],
  session_revoked: [401, 'The session has ended'],
  invalid_refresh_token: [401, 'The refresh token is not valid'],
  session_ended: [401, 'The session has ended'],
  insufficient_user_authentication: [401, 'The login is too long ago for this'],
  forbidden_origin: [403, 'Requests with cookies are not accepted from this origin'],
  insufficient_scope: [403, 'The role for this is missing'],
  not_found: [404, 'There is no such thing'],
  method_not_allowed: [405, 'The method does not fit this address'],
  request_timeout: [408, 'The request took too long to arrive'],
  email_taken: [409, 'An account with this e-mail exists'],
  body_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The content type is not understood'],
  too_many_requests: [429, 'Too many requests'],
  headers_too_large: [431, 'The headers are too large'],
  internal_error: [500, 'Something went wrong here'],
  unavailable: [503, 'The service cannot serve this now']
}

export interface ProblemResponse {
  readonly body: Problem
  readonly headers: Readonly<Record<string, string>>
}

/** These statuses always carry Retry-After, because a client can only wait. */
const retryLater: ReadonlySet<number> = new Set([429, 503])

/** A problem's body (RFC 9457 §3.1) and headers. `type` points into docs/errors.md, which the service serves. */
export function problemResponse(code: ProblemCode, details: RefusalDetails, errorsUrl: string): ProblemResponse {
  const [status, title] = problems[code]
  const { detail, reason, errors, retryAfterSeconds = 1 } = details
  return {
    body: {
      type: `${errorsUrl}#${code}`,
      title,
      status,
      ...(detail !== undefined && { detail }),
      code,
      ...(reason !== undefined && { reason }),
      ...(errors !== undefined && { errors: [...errors] })
    },
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...challenge(code, status, details),
      ...(retryLater.has(status) && { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) })
    }
  }
}

/**
 * The WWW-Authenticate header: RFC 6750 §3 for Bearer (without an error if no token was sent), RFC 7617 §2 for Basic,
 * RFC 9470 §3 if a newer login is required.
 */
function challenge(
  code: ProblemCode,
  status: number,
  { scheme, maxAgeSeconds }: RefusalDetails
): Record<string, string> {
  if (code === 'insufficient_scope') return { 'www-authenticate': 'Bearer error="insufficient_scope"' }
  if (status !== 401) return {}
  if (scheme === 'Basic') return { 'www-authenticate': 'Basic realm="latchkey"' }
  if (code === 'insufficient_user_authentication') {
    return { 'www-authenticate': `Bearer error="insufficient_user_authentication", max_age="${maxAgeSeconds}"` }
  }
  const withoutError = code === 'missing_credentials' || code === 'invalid_credentials'
  return { 'www-authenticate': withoutError ? 'Bearer' : 'Bearer error="invalid_token"' }
}

type Failure = readonly [code: ProblemCode, details?: RefusalDetails]

/** Maps an error to a problem. An unexpected error becomes `internal_error`, which reveals nothing. */
function classify(error: unknown): Failure {
  if (error instanceof Refused) return [error.code, error.details]
  if (error instanceof Unavailable) return ['unavailable', { retryAfterSeconds: error.retryAfterSeconds }]
  if (error instanceof InvalidCursor) {
    return ['invalid_request', { errors: [{ field: 'cursor', message: 'is not a cursor of this list' }] }]
  }
  return classifyFastifyError(error as Partial<FastifyError>)
}

const codesByStatus: Readonly<Record<number, ProblemCode>> = {
  404: 'not_found',
  408: 'request_timeout',
  413: 'body_too_large',
  415: 'unsupported_media_type'
}

function classifyFastifyError(error: Partial<FastifyError>): Failure {
  const { statusCode = 500, validation, validationContext = 'body', message = '' } = error
  // An invalid parameter in the path names something that cannot exist.
  if (validation !== undefined && validationContext === 'params') return ['not_found']
  if (error.code === 'FST_ERR_MAX_PARAM_LENGTH') return ['not_found']
  if (validation !== undefined) {
    return ['invalid_request', { errors: validation.map((fault) => fieldError(validationContext, fault)) }]
  }
  const code = codesByStatus[statusCode]
  if (code !== undefined) return [code]
  if (statusCode === 503) return ['unavailable', { retryAfterSeconds: 1 }]
  return statusCode < 500 ? ['invalid_request', { detail: message }] : ['internal_error']
}

type ValidationFault = NonNullable<FastifyError['validation']>[number]

/** Names the wrong field as the client wrote it, such as `password` or `roles.0`; without a field, the part, such as `body`. */
function fieldError(part: string, fault: ValidationFault): FieldError {
  const path = fault.instancePath.split('/').slice(1)
  const { missingProperty: missing, additionalProperty: unknown } = fault.params
  if (typeof missing === 'string') path.push(missing)
  if (typeof unknown === 'string') path.push(unknown)
  return { field: path.join('.') || part, message: fault.message ?? 'does not fit' }
}

/** Answers with the problem of an error. Logs the cause of every 5xx. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  errorsUrl: string
): FastifyReply {
  const [code, details = {}] = classify(error)
  const { body, headers } = problemResponse(code, details, errorsUrl)
  if (body.status >= 500) request.log.error({ err: error, code }, body.title)
  // The route's own serializer is only for its successful responses.
  return reply.code(body.status).headers(headers).serializer(JSON.stringify).send(body)
}

/** Answers 404 for an unknown address, and 405 for an address that has other methods (RFC 9110 §15.5.6). */
export function sendNotFound(
  request: FastifyRequest,
  reply: FastifyReply,
  methods: readonly string[],
  errorsUrl: string
): FastifyReply {
  if (methods.length === 0) return sendProblem(request, reply, new Refused('not_found'), errorsUrl)
  const { body, headers } = problemResponse('method_not_allowed', {}, errorsUrl)
  return reply.code(body.status).headers(headers).header('allow', methods.join(', ')).send(body)
}

/** Answers bytes that Node cannot parse as a request. There is no request object, so the response is written to the socket. */
export function sendClientError(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const code = codesByClientError[error.code] ?? 'invalid_request'
  const { body, headers } = problemResponse(code, {}, '/docs/errors.md')
  const text = JSON.stringify(body)
  const head = Object.entries({ ...headers, connection: 'close', 'content-length': String(Buffer.byteLength(text)) })
  socket.end(
    `HTTP/1.1 ${body.status} ${STATUS_CODES[body.status]}\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${text}`
  )
}

const codesByClientError: Readonly<Record<string, ProblemCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large'
}
