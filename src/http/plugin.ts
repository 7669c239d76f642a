import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import type { FastifyInstance, preHandlerAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Ports } from '../ports/index.js'
import type { Session } from '../ports/sessions.js'
import { endEverybodysSessions, endSession, endSessionsOfUser, sessionsOfUser } from '../service/admin/sessions.js'
import type { Auth } from '../service/sessions/authenticate.js'
import type { HttpContext } from './context.js'
import { authenticateGuard, requireRoleGuard } from './guards.js'
import { sendProblem } from './problem.js'
import { limitRates } from './rate-limits.js'
import { accountRoutes } from './routes/account.js'
import { adminCountRoutes } from './routes/admin/counts.js'
import { adminEventRoutes } from './routes/admin/events.js'
import { adminKeyRoutes } from './routes/admin/keys.js'
import { adminSessionRoutes } from './routes/admin/sessions.js'
import { adminUserRoutes } from './routes/admin/users.js'
import { discoveryRoutes } from './routes/discovery.js'
import { errorsPage } from './routes/errors-page.js'
import { healthRoutes } from './routes/health.js'
import { logoutRoutes } from './routes/logout.js'
import { metricsRoutes } from './routes/metrics.js'
import { serveOpenapi } from './routes/openapi.js'
import { pageRoutes } from './routes/pages.js'
import { refreshRoutes } from './routes/refresh.js'
import { introspectRoutes } from './routes/services/introspect.js'
import { revocationsRoutes } from './routes/services/revocations.js'
import { revokeRoutes } from './routes/services/revoke.js'
import { sessionRoutes } from './routes/sessions.js'
import { signInRoutes } from './routes/sign-in.js'
import type { HttpSettings } from './settings.js'
import { setStrictValidation } from './validation.js'

export interface PluginOptions {
  readonly ports: Ports
  readonly settings: HttpSettings
  /** Where the routes stand, such as `/auth`; at the root when left out. */
  readonly prefix?: string
}

/** What a host's own code can do with sessions, without HTTP. */
export interface SessionControl {
  sessionsOfUser(userId: string): Promise<readonly Session[]>
  /** Ends one session; `note` says why in the audit log. Throws `Refused` (`not_found`) where there is none. */
  endSession(sid: string, note?: string): Promise<void>
  /** Ends all sessions of a user; says how many. */
  endSessionsOfUser(userId: string, note?: string): Promise<number>
  /** Ends everybody's; says how many. */
  endEverybodysSessions(): Promise<number>
}

declare module 'fastify' {
  interface FastifyInstance {
    auth: SessionControl
    /** A `preHandler` that answers 401 or fills `request.auth`. */
    authenticate: preHandlerAsyncHookHandler
    /** A `preHandler` behind `authenticate` that answers 403 to whoever lacks `role`. */
    requireRole(role: string): preHandlerAsyncHookHandler
  }
  interface FastifyRequest {
    /** Who asks; null on a route that no guard stands before, and before the guard has run. */
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

    await app.register(async (scope) => routes(scope, context), { prefix })
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

async function routes(app: FastifyInstance, context: HttpContext): Promise<void> {
  const { settings } = context
  app.setErrorHandler((error, request, reply) => sendProblem(request, reply, error, context.errorsUrl))
  setStrictValidation(app)

  if (!app.hasPlugin('@fastify/cookie')) await app.register(cookie)
  // A host's own @fastify/cors speaks for all its routes, ours among them, and cannot stand beside a second one.
  if (settings.allowedOrigins.length > 0 && !app.hasPlugin('@fastify/cors'))
    await app.register(cors, corsOptions(settings))
  if (settings.rateLimitEnabled) await limitRates(app, context.ports)
  await serveOpenapi(app, context)

  for (const add of [
    signInRoutes,
    refreshRoutes,
    logoutRoutes,
    sessionRoutes,
    accountRoutes,
    adminUserRoutes,
    adminSessionRoutes,
    adminEventRoutes,
    adminKeyRoutes,
    adminCountRoutes,
    discoveryRoutes,
    introspectRoutes,
    revokeRoutes,
    revocationsRoutes,
    healthRoutes,
    metricsRoutes,
    errorsPage,
    pageRoutes
  ]) {
    add(app, context)
  }
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
    sessionsOfUser: (userId) => sessionsOfUser(ports, userId),
    endSession: (sid, note) => endSession(ports, sid, note, {}),
    endSessionsOfUser: (userId, note) => endSessionsOfUser(ports, userId, note, {}),
    endEverybodysSessions: () => endEverybodysSessions(ports, {})
  }
}
