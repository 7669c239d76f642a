import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Actor } from '../ports/events.js'
import type { Ports } from '../ports/index.js'
import type { HttpSettings } from './settings.js'

/** What every route is made with. */
export interface HttpContext {
  readonly ports: Ports
  readonly settings: HttpSettings
  /** Where docs/errors.md is served: the beginning of every problem's `type`. */
  readonly errorsUrl: string
}

export type Routes = (app: FastifyInstance, context: HttpContext) => void

/** Who asks, and from where, for the event log. */
export function actorOf(request: FastifyRequest): Actor {
  return {
    userId: request.auth?.userId,
    ip: request.ip,
    userAgent: request.headers['user-agent']?.slice(0, 400)
  }
}
