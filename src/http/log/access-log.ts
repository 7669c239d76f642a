import type { FastifyReply, FastifyRequest } from 'fastify'
import * as fastify from 'fastify'
import { inOneLine } from '../../ports/errors.js'
import { SlowReader } from '../routes/services/revocation-stream.js'

/** The code of the problem that was the response, and what caused it. */
interface Failure {
  readonly code?: string
  readonly reason?: string
}

const failures = new WeakMap<FastifyRequest, Failure>()

/** Puts `failure` into the line of the request in the access log. */
export function noteFailure(request: FastifyRequest, failure: Failure): void {
  failures.set(request, failure)
}

/**
 * Fastify before 5.10 lacks it, and ignores the option `logController`: the log is then Fastify's own. A named import
 * would keep the whole package from loading there.
 */
const LogController = fastify.LogController ?? (class {} as typeof fastify.LogController)

/**
 * Writes one line for each request, when its response has been sent or its client has gone away. Fastify's own log has
 * two lines, and no second one for a client that went away.
 */
export class AccessLog extends LogController {
  override incomingRequest(request: FastifyRequest, reply: FastifyReply): void {
    // Emitted once for each response, whatever its end.
    reply.raw.once('close', () => {
      const { headersSent, writableEnded: isComplete } = reply.raw
      request.log.info(
        {
          req: request,
          ...(headersSent && { res: reply }),
          responseTime: reply.elapsedTime,
          ...failures.get(request)
        },
        isComplete ? 'request completed' : 'request aborted'
      )
    })
  }

  override requestCompleted(): void {
    // `incomingRequest` has arranged the line.
  }

  override streamError(error: Error & { readonly code?: string }, request: FastifyRequest, reply: FastifyReply): void {
    // The client went away: the line of the request says so.
    if (error.code === 'ERR_STREAM_PREMATURE_CLOSE') return
    if (error instanceof SlowReader) noteFailure(request, { reason: inOneLine(error) })
    else super.streamError(error, request, reply)
  }
}
