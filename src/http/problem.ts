import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionError, FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { bearerChallenge } from '../core/bearer.js'
import { type ProblemCode, problems } from '../core/problems.js'
import { rememberedAuth } from '../core/request-auth.js'
import { InvalidCursor, inOneLine, Unavailable } from '../ports/errors.js'
import { decisions } from '../ports/metrics.js'
import { type FieldError, type RefusalDetails, Refused } from '../service/refused.js'
import { clientAddress } from './client-address.js'
import type { HttpContext } from './context.js'
import { noteFailure } from './log/access-log.js'
import type { Problem } from './schemas/problem.js'

export interface ProblemResponse {
  readonly body: Problem
  readonly headers: Readonly<Record<string, string>>
}

/** These statuses always carry Retry-After, because a client can only wait. */
const retryLater: ReadonlySet<number> = new Set([429, 503])

/** A problem's body (RFC 9457 §3.1) and headers. `type` points into docs/errors.md, which the service serves. */
export function problemResponse(code: ProblemCode, details: RefusalDetails, errorsUrl: string): ProblemResponse {
  const [status, title] = problems[code]
  const { detail, reason, replaced, errors, retryAfterSeconds = 1 } = details
  const authenticate = challenge(code, status, details)
  return {
    body: {
      type: `${errorsUrl}#${code}`,
      title,
      status,
      ...(detail !== undefined && { detail }),
      code,
      ...(reason !== undefined && { reason }),
      ...(replaced && { replaced }),
      ...(errors !== undefined && { errors: [...errors] })
    },
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(authenticate !== undefined && { 'www-authenticate': authenticate }),
      ...(retryLater.has(status) && { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) })
    }
  }
}

/** The WWW-Authenticate header: RFC 7617 §2 for Basic, else a Bearer challenge. */
function challenge(code: ProblemCode, status: number, { scheme, maxAgeSeconds }: RefusalDetails): string | undefined {
  return status === 401 && scheme === 'Basic' ? 'Basic realm="latchkey"' : bearerChallenge(code, maxAgeSeconds)
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

/** Whether to delay the response: above a limit, or if a queue is full. So a client that retries at once costs little. */
export function isAnsweredSlowly(error: unknown): boolean {
  return error instanceof Refused
    ? error.code === 'too_many_requests'
    : error instanceof Unavailable && error.answerSlowly
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
  // Fastify's message repeats the path, which may hold a token.
  if (error.code === 'FST_ERR_BAD_URL') return ['invalid_request', { detail: 'The path cannot be decoded.' }]
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

/** Answers with the problem of an error. The log has its code, why a request got 503, and the stack of an unexpected error. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  errorsUrl: string
): FastifyReply {
  const [code, details = {}] = classify(error)
  const { body, headers } = problemResponse(code, details, errorsUrl)
  logProblem(request, error, body)
  // The route's own serializer is only for its successful responses.
  return reply.code(body.status).headers(headers).serializer(JSON.stringify).send(body)
}

function logProblem(request: FastifyRequest, error: unknown, { code, status, title }: Problem): void {
  const failure = { code, ...(status === 503 && { reason: inOneLine(error) }) }
  noteFailure(request, failure)
  if (status === 500) request.log.error({ err: error, code }, title)
  // For hosts: our access log has the reason already.
  if (status === 503) request.log.debug(failure, title)
}

/** Answers a request of our routes, or of a guard, with the problem of an error, and notes it if access was refused. */
export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  context: HttpContext
): FastifyReply {
  noteRefusedAccess(request, error, context)
  return sendProblem(request, reply, error, context.errorsUrl)
}

/**
 * Counts and logs each refused access (ASVS 16.3.2). A `not_found` counts if a signed-in user asked: it may be another user's
 * session.
 */
function noteRefusedAccess(request: FastifyRequest, error: unknown, { ports }: HttpContext): void {
  if (!(error instanceof Refused)) return
  const { method, routeOptions } = request
  const auth = rememberedAuth(request)
  const outcome = decisions.access.find((code) => code === error.code)
  if (outcome === undefined || (outcome === 'not_found' && !auth)) return
  // The pattern of the route: the path itself may hold a token.
  const route = `${method} ${routeOptions.url}`
  const about = { sid: auth?.sessionId, userId: auth?.userId, ip: clientAddress(request), route }
  // A guard also runs on a host's own routes, where nothing else says which request is being handled.
  ports.logTo(request.log, () => ports.decisions.note('access', outcome, about))
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
  noteFailure(request, { code: body.code })
  return reply.code(body.status).headers(headers).header('allow', methods.join(', ')).send(body)
}

/** Answers bytes that Node cannot parse as a request. There is no request object, so the response is written to the socket. */
export function sendClientError(error: ConnectionError, socket: Socket, errorsUrl: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const code = codesByClientError[error.code] ?? 'invalid_request'
  const { body, headers } = problemResponse(code, {}, errorsUrl)
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
