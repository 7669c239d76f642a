import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionError, FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { bearerChallenge } from '../core/bearer.js'
import { issuerAddresses } from '../core/issuer-addresses.js'
import { type ProblemCode, problems } from '../core/problems.js'
import { rememberedAuth } from '../core/request-auth.js'
import { InvalidCursor, inOneLine, Unavailable } from '../ports/errors.js'
import { decisions } from '../ports/metrics.js'
import { type FieldError, type RefusalDetails, Refused } from '../service/refused.js'
import { clientAddress } from './client-address.js'
import type { HttpContext } from './context.js'
import { detailOf, headersOf, refusedByApp, statusOf, titleOf } from './host/host-refusal.js'
import { sendJson } from './host/own-bodies.js'
import { noteFailure } from './log/access-log.js'
import type { Problem } from './schemas/problem.js'

export interface ProblemResponse {
  readonly body: Problem
  /** What is sent in place of `body`. */
  readonly sent?: object
  readonly headers: Readonly<Record<string, string>>
}

/** The path at which clients of this issuer find docs/errors.md. */
export function errorsUrlOf(issuer: string): string {
  return issuerAddresses(issuer).errors
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
      ...commonHeaders,
      ...(authenticate !== undefined && { 'www-authenticate': authenticate }),
      ...(retryLater.has(status) && { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) })
    }
  }
}

const commonHeaders = {
  'content-type': 'application/problem+json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff'
}

/** The WWW-Authenticate header: RFC 7617 §2 for Basic, else a Bearer challenge. */
function challenge(code: ProblemCode, status: number, details: RefusalDetails): string | undefined {
  return status === 401 && details.scheme === 'Basic' ? 'Basic realm="latchkey"' : bearerChallenge(code, details)
}

/** Replies that have been a problem already. An error after that is one of a hook that handles responses. */
const answered = new WeakSet<FastifyReply>()

/** Maps an error to a problem. An unexpected error becomes `internal_error`, which reveals nothing. */
function responseTo(error: unknown, reply: FastifyReply, errorsUrl: string): ProblemResponse {
  if (error instanceof Refused) return problemResponse(error.code, error.details, errorsUrl)
  if (error instanceof Unavailable) {
    return problemResponse('unavailable', { retryAfterSeconds: error.retryAfterSeconds }, errorsUrl)
  }
  if (error instanceof InvalidCursor) {
    const errors = [{ field: 'cursor', message: 'is not a cursor of this list' }]
    return problemResponse('invalid_request', { errors }, errorsUrl)
  }
  const status = statusOf(error, answered.has(reply) ? { statusCode: 500 } : reply)
  const [code, details] = classify(Object(error), status)
  if (code === refusedByApp) return refusalByApp(status, details, errorsUrl)
  return problemResponse(code, details, errorsUrl)
}

/** What a hook of the host refused keeps its status. Every 401 has a challenge (RFC 9110 §15.5.2). */
function refusalByApp(status: number, { detail }: RefusalDetails, errorsUrl: string): ProblemResponse {
  return {
    body: {
      type: `${errorsUrl}#${refusedByApp}`,
      title: titleOf(status),
      status,
      ...(detail !== undefined && { detail }),
      code: refusedByApp
    },
    headers: { ...commonHeaders, ...(status === 401 && { 'www-authenticate': 'Bearer' }) }
  }
}

/** Whether to delay the response: above a limit, or if a queue is full. So a client that retries at once costs little. */
export function isAnsweredSlowly(error: unknown): boolean {
  return error instanceof Refused
    ? error.code === 'too_many_requests'
    : error instanceof Unavailable && error.answerSlowly
}

const codesByStatus: Readonly<Record<number, ProblemCode>> = {
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  413: 'body_too_large',
  415: 'unsupported_media_type',
  431: 'headers_too_large',
  500: 'internal_error',
  503: 'unavailable'
}

type Failure = readonly [code: ProblemCode | typeof refusedByApp, details: RefusalDetails]

/** Errors of Fastify, and of a host's hooks. */
function classify(error: Partial<FastifyError>, status: number): Failure {
  const { code: name, validation, validationContext = 'body' } = error
  // An invalid parameter in the path names something that cannot exist.
  if (validation !== undefined && validationContext === 'params') return ['not_found', {}]
  if (name === 'FST_ERR_MAX_PARAM_LENGTH') return ['not_found', {}]
  // Fastify's message repeats the path, which may hold a token.
  if (name === 'FST_ERR_BAD_URL') return ['invalid_request', { detail: 'The path cannot be decoded.' }]
  if (validation !== undefined) {
    return ['invalid_request', { errors: validation.map((fault) => fieldError(validationContext, fault)) }]
  }
  const code = codesByStatus[status]
  if (code !== undefined) return [code, {}]
  const detail = detailOf(error, status)
  if (status === 400) return ['invalid_request', detail]
  return status === 429 ? ['too_many_requests', detail] : [refusedByApp, detail]
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

/**
 * Answers with the problem of an error. Headers that a host's hook has set, or its error has, stay. The log has the code,
 * why a request got 503, and the stack of an unexpected error.
 */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  errorsUrl: string,
  shown = (problem: ProblemResponse) => problem
): FastifyReply {
  const { headers, ...bodies } = shown(responseTo(error, reply, errorsUrl))
  answered.add(reply)
  logProblem(request, error, bodies.body)
  if (isOurs(error)) return send(reply, { ...bodies, headers })
  reply.headers(headersOf(error))
  // A host's hook knows best how long its client has to wait, and which credential it lacks.
  const isSet = (name: string) => hostsHeaders.has(name) && reply.hasHeader(name)
  const unset = Object.entries(headers).filter(([name]) => !isSet(name))
  return send(reply, { ...bodies, headers: Object.fromEntries(unset) })
}

const hostsHeaders: ReadonlySet<string> = new Set(['retry-after', 'www-authenticate'])

function isOurs(error: unknown): boolean {
  return error instanceof Refused || error instanceof Unavailable || error instanceof InvalidCursor
}

function send(reply: FastifyReply, { body, sent = body, headers }: ProblemResponse): FastifyReply {
  return sendJson(reply.code(body.status).headers(headers), sent)
}

function logProblem(request: FastifyRequest, error: unknown, { code, status, title }: Problem): void {
  const failure = { code, ...(status === 503 && { reason: inOneLine(error) }) }
  noteFailure(request, failure)
  if (status >= 500 && status !== 503) request.log.error({ err: error, code }, title)
  // For hosts: our access log has the reason already.
  if (status === 503) request.log.debug(failure, title)
}

/**
 * Answers a request of our routes, or of a guard, with the problem of an error, and notes it if access was refused. `shown`
 * can change how the problem is sent.
 */
export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  context: HttpContext,
  shown?: (problem: ProblemResponse) => ProblemResponse
): FastifyReply {
  noteRefusedAccess(request, error, context)
  return sendProblem(request, reply, error, context.errorsUrl, shown)
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
  return send(reply.header('allow', methods.join(', ')), { body, headers })
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
