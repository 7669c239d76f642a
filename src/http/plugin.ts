import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import type { FastifyInstance, preHandlerAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Auth } from '../core/access-claims.js'
import type { Ports } from '../ports/index.js'
import type { Session } from '../ports/sessions.js'
import { listSessionsOfUser } from '../service/admin/listings.js'
import { revokeAllSessions, revokeSession, revokeSessionsOfUser } from '../service/admin/revoke-sessions.js'
import type { HttpContext, Scope } from './context.js'
import { authenticateGuard, requireRoleGuard } from './guards.js'
import { limitRates } from './rate-limits.js'
import { addRoutes } from './routes/index.js'
import { serveOpenapi } from './routes/openapi.js'
import { prepareScope } from './scope.js'
import type { HttpSettings } from './settings.js'

export interface PluginOptions {
  readonly ports: Ports
  readonly settings: HttpSettings
  /** Where the routes stand, such as `/auth`; at the root when left out. */
  readonly prefix?: string
}

/** Lists and ends sessions from a host's own code, as `app.auth`. An end takes effect at once, on all instances. */
export interface SessionControl {
  /** The live sessions of a user, newest first. Throws `Refused` (`not_found`) if there is no such user. */
  sessionsOfUser(userId: string): Promise<readonly Session[]>
  /** Ends one session. `note` is stored in the event log. Throws `Refused` (`not_found`) if there is no such session. */
  endSession(sid: string, note?: string): Promise<void>
  /** Ends all sessions of a user and returns how many there were. Throws as `sessionsOfUser` does. */
  endSessionsOfUser(userId: string, note?: string): Promise<number>
  /** Ends all sessions of all users and returns how many there were. */
  endEverybodysSessions(): Promise<number>
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Lists and ends sessions. */
    auth: SessionControl
    /** A `preHandler` that sets `request.auth`, or answers 401. */
    authenticate: preHandlerAsyncHookHandler
    /** A `preHandler` for use after `authenticate`, which answers 403 if the user lacks `role`. */
    requireRole(role: string): preHandlerAsyncHookHandler
  }
  interface FastifyRequest {
    /** The authenticated user and session; null on a route without `authenticate`, and before it has run. */
    auth: Auth | null
  }
}

/**
 * Latchkey inside a Fastify app. The app gains `app.auth`, `app.authenticate`, `app.requireRole` and
 * `request.auth`, and nothing else: routes, validation and errors live in a scope of their own.
 */
export const httpPlugin = fp<PluginOptions>(
  async (app, { ports, settings, prefix = '' }) => {
    const place = `${app.prefix}${prefix}`.replace(/\/+$/, '')
    const context: HttpContext = { ports, settings, errorsUrl: `${place}/docs/errors.md` }
    requireFreeNames(app)

    app.decorateRequest('auth', null)
    app.decorate('authenticate', authenticateGuard(context))
    app.decorate('requireRole', (role: string) => requireRoleGuard(context, role))
    app.decorate('auth', sessionControl(ports))

    await app.register(async (scope) => fillScope(scope, context), { prefix })
  },
  { name: 'latchkey', fastify: '5.x' }
)

/** Says what Fastify's own error for a name that is taken leaves open. */
function requireFreeNames(app: FastifyInstance): void {
  const taken = ['auth', 'authenticate', 'requireRole'].find((name) => app.hasDecorator(name))
  if (taken === undefined) return
  throw new Error(
    `Latchkey adds app.${taken}, and this app has one already: from another plugin, or from Latchkey itself, which an app registers once. ` +
      'For a second one, register it inside a plugin of its own that stands beside the first.'
  )
}

async function fillScope(scope: Scope, context: HttpContext): Promise<void> {
  const { ports, settings } = context
  prepareScope(scope, context)
  if (!scope.hasPlugin('@fastify/cookie')) await scope.register(cookie)
  // A host's own @fastify/cors covers our routes too, and a second one beside it would fail.
  if (settings.allowedOrigins.length > 0 && !scope.hasPlugin('@fastify/cors'))
    await scope.register(cors, corsOptions(settings))
  if (settings.rateLimitEnabled) await limitRates(scope, ports)
  await serveOpenapi(scope, context)
  addRoutes(scope, context)
}

function corsOptions({ allowedOrigins }: HttpSettings) {
  return {
    origin: [...allowedOrigins],
    credentials: true,
    methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key'],
    exposedHeaders: ['retry-after', 'www-authenticate'],
    maxAge: 600
  }
}

function sessionControl(ports: Ports): SessionControl {
  return {
    sessionsOfUser: (userId) => listSessionsOfUser(ports, userId),
    endSession: (sid, note) => revokeSession(ports, sid, note, {}),
    endSessionsOfUser: (userId, note) => revokeSessionsOfUser(ports, userId, note, {}),
    endEverybodysSessions: () => revokeAllSessions(ports, {})
  }
}
