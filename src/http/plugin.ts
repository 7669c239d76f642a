import cors from '@fastify/cors'
import type { FastifyInstance, preHandlerAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Auth } from '../core/access-claims.js'
import type { Ports, Session } from '../ports/index.js'
import { listSessionsOfUser } from '../service/admin/listings.js'
import { revokeAllSessions, revokeSession, revokeSessionsOfUser } from '../service/admin/revoke-sessions.js'
import { visibleSession } from '../service/sessions/own-sessions.js'
import type { HttpContext, Scope } from './context.js'
import { authenticateGuard, requireRoleGuard } from './guards.js'
import { requestIdHeader } from './log/request-id.js'
import { limitRequests } from './rate-limits.js'
import { addRoutes } from './routes/index.js'
import { serveOpenapi } from './routes/openapi.js'
import { prepareScope } from './scope.js'
import type { HttpSettings } from './settings.js'

export interface PluginOptions {
  readonly ports: Ports
  readonly settings: HttpSettings
  /** The prefix of all routes, such as `/auth`; none by default. */
  readonly prefix?: string
}

/** Lets a host's own code read and end sessions. Throws `Unavailable` if the database cannot be used. */
export interface SessionControl {
  /**
   * The live sessions of a user, newest first, with their times as `GET /sessions` shows them. Throws `Refused`
   * (`not_found`) if there is no such user.
   */
  sessionsOfUser(userId: string): Promise<readonly Session[]>
  /** Ends one session. `note` goes into the audit log. Throws `Refused` (`not_found`) for an unknown session. */
  endSession(sid: string, note?: string): Promise<void>
  /** Ends all sessions of a user. Returns how many. Throws `Refused` (`not_found`) for an unknown user. */
  endSessionsOfUser(userId: string, note?: string): Promise<number>
  /** Ends every session of every user. Returns how many. */
  endEverybodysSessions(): Promise<number>
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Lists and ends sessions. */
    auth: SessionControl
    /** A `preHandler`: sets `request.auth`, or answers 401. */
    authenticate: preHandlerAsyncHookHandler
    /** Returns a `preHandler` to run after `authenticate`: answers 403 to a user without `role`. */
    requireRole(role: string): preHandlerAsyncHookHandler
  }
  interface FastifyRequest {
    /** The user and session of the request. Null on a route without `authenticate`, and before it has run. */
    auth: Auth | null
  }
}

/**
 * Latchkey inside a Fastify app. Adds `app.auth`, `app.authenticate`, `app.requireRole` and `request.auth` to the app.
 * Routes, validation and error handling are in a scope of their own, so the rest of the app is unchanged.
 */
export const httpPlugin = fp<PluginOptions>(
  async (app, { ports, settings, prefix = '' }) => {
    const base = `${app.prefix}${prefix}`.replace(/\/+$/, '')
    const context: HttpContext = { ports, settings, errorsUrl: `${base}/docs/errors.md` }
    requireFreeNames(app)

    app.decorateRequest('auth', null)
    app.decorate('authenticate', authenticateGuard(context))
    app.decorate('requireRole', (role: string) => requireRoleGuard(context, role))
    app.decorate('auth', sessionControl(ports))

    await app.register(async (scope) => fillScope(scope, context), { prefix })
  },
  { name: 'latchkey', fastify: '5.x' }
)

/** Explains a name conflict. Fastify's own error would not say what to do. */
function requireFreeNames(app: FastifyInstance): void {
  const taken = ['auth', 'authenticate', 'requireRole'].find((name) => app.hasDecorator(name))
  if (taken === undefined) return
  throw new Error(
    `Latchkey adds app.${taken}, but this app already has it: from another plugin, or because Latchkey is registered twice. ` +
      'To run two instances, register each inside its own plugin.'
  )
}

async function fillScope(scope: Scope, context: HttpContext): Promise<void> {
  const { ports, settings } = context
  prepareScope(scope, context)
  // A host's own @fastify/cors covers our routes too, and a second one beside it would fail.
  if (settings.allowedOrigins.length > 0 && !scope.hasPlugin('@fastify/cors'))
    await scope.register(cors, corsOptions(settings))
  if (settings.rateLimitEnabled) limitRequests(scope, ports)
  if (settings.docs) await serveOpenapi(scope, context)
  addRoutes(scope, context)
}

function corsOptions({ allowedOrigins }: HttpSettings) {
  return {
    // A preflight of another origin gets no CORS header at all. One of an allowed origin gets every header that it
    // requests, because apps send headers of their own, such as `traceparent`.
    origin: async (origin?: string) => origin !== undefined && allowedOrigins.includes(origin) && origin,
    credentials: true,
    methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    exposedHeaders: ['retry-after', 'www-authenticate', requestIdHeader],
    maxAge: 600
  }
}

function sessionControl(ports: Ports): SessionControl {
  return {
    sessionsOfUser: async (userId) => {
      const sessions = await listSessionsOfUser(ports, userId)
      return sessions.map((session) => visibleSession(ports, session))
    },
    endSession: (sid, note) => revokeSession(ports, sid, note, {}),
    endSessionsOfUser: (userId, note) => revokeSessionsOfUser(ports, userId, note, {}),
    endEverybodysSessions: () => revokeAllSessions(ports, {})
  }
}
