import cors from '@fastify/cors'
import type { FastifyInstance, LatchkeyMembers, RegisterOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { Auth } from '../core/access-claims.js'
import { issuerAddresses } from '../core/issuer-addresses.js'
import {
  type AnyReply,
  type GuardMembers,
  rememberedAuth,
  rememberedClient,
  requestAuth,
  requestAuthKey
} from '../core/request-auth.js'
import { hostApp } from '../ports/events.js'
import type { Ports } from '../ports/index.js'
import type { Session } from '../ports/sessions.js'
import { listSessionsOfUser } from '../service/admin/listings.js'
import { revokeAllSessions, revokeSession, revokeSessionsOfUser } from '../service/admin/revoke-sessions.js'
import { visibleSession } from '../service/sessions/own-sessions.js'
import { type HttpContext, rememberContext, type Scope } from './context.js'
import { cookieSerializer } from './cookies/serializer.js'
import {
  authenticateGuard,
  authenticateOptionalGuard,
  requireRecentLoginGuard,
  requireRoleGuard,
  requireScopeGuard
} from './guards.js'
import type { HostLogin } from './host/checked-login.js'
import { type HostSession, startSessionFor } from './host/start-session.js'
import { type UserControl, userControl } from './host/user-control.js'
import { requestIdHeader } from './log/request-id.js'
import { limitRequests } from './rate-limits.js'
import { serveChangePassword, serveIssuerMetadata } from './routes/discovery.js'
import { addRoutes } from './routes/index.js'
import { prepareScope } from './scope.js'
import type { HttpSettings } from './settings.js'
import { whileSignedIn } from './signed-in.js'

/** @internal The package's types leave out what would need those of all ports. */
export interface PluginOptions extends Pick<RegisterOptions, 'logLevel' | 'logSerializers'> {
  readonly ports: Ports
  readonly settings: HttpSettings
  /** The path of all routes, such as `/auth`, with or without slashes around it; the root by default. */
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
    latchkey: LatchkeyMembers
  }
  interface FastifyRequest {
    /** The user and session of the request. Throws on a route without a guard, and where nobody is signed in. */
    readonly auth: Auth
  }
  interface LatchkeyMembers extends GuardMembers {
    /**
     * Starts a session for a person whose identity the app has proved, and returns what `POST /login` answers; return it
     * from the handler. Sets the cookies on `reply`. If a guard of the route found the same person signed in, replaces that
     * session, as `POST /reauthenticate` does. Throws a `TypeError` for a mistake in the call, and `Refused` otherwise: among
     * others `invalid_credentials` for a disabled account, `email_taken` if another account has the address of a new one.
     */
    startSession(reply: AnyReply, login: HostLogin): Promise<HostSession>
    /** Lists and ends sessions. */
    readonly sessions: SessionControl
    /** Finds, makes, changes and deletes accounts. */
    readonly users: UserControl
  }
}

/**
 * Latchkey inside a Fastify app. Adds `app.latchkey` and `request.auth` to the app. Routes, validation and error handling
 * are in a scope of their own, so the rest of the app is unchanged.
 * @internal
 */
export const httpPlugin = fp<PluginOptions>(
  async (app, { ports, settings, prefix = '', ...log }) => {
    const addresses = issuerAddresses(ports.identity.issuer)
    requireFreeName(app)
    const serializeCookie = await cookieSerializer(app)
    const context: HttpContext = { ports, settings, serializeCookie, addresses, errorsUrl: addresses.errors }
    const members = membersOf(app, context)
    rememberContext(members, context)
    app.decorate('latchkey', members)
    decorateRequests(app)

    const ours = { prefix: withOneSlash(prefix), ...log }
    const path = `${withOneSlash(app.prefix)}${ours.prefix}`
    // Right behind a proxy that changes the path. Otherwise `issuer` lacks the prefix, which this helps to find.
    if (path !== decodeURI(addresses.path))
      app.log.info(`Latchkey has its routes at ${path}/, and clients reach them at ${addresses.base}/.`)
    await app.register(async (scope) => fillScope(scope, context), ours)
    serveIssuerMetadata(app, context)
    serveChangePassword(app, context)
  },
  { name: 'latchkey', fastify: '5.x' }
)

/** Refuses a second registration in one app. */
export function requireFreeName(app: FastifyInstance): void {
  if (!app.hasDecorator('latchkey')) return
  throw new Error(
    'This app already has app.latchkey: Latchkey, or its verifier, is registered twice. To run two, register each ' +
      'inside its own plugin.'
  )
}

/** `auth`, `/auth` and `/auth/` are the same prefix, as are an empty one and `/`. */
function withOneSlash(prefix: string): string {
  return prefix
    .split('/')
    .filter(Boolean)
    .map((part) => `/${part}`)
    .join('')
}

function membersOf(app: FastifyInstance, context: HttpContext): LatchkeyMembers {
  return {
    authenticate: authenticateGuard(context),
    authenticateOptional: authenticateOptionalGuard(context),
    requireRole: (role) => requireRoleGuard(context, role),
    requireRecentLogin: (maxAgeSeconds) => requireRecentLoginGuard(context, maxAgeSeconds),
    requireScope: (scope) => requireScopeGuard(context, scope),
    clientOf: rememberedClient,
    authOf: rememberedAuth,
    whileSignedIn: whileSignedIn(app, context.ports),
    startSession: startSessionFor(context),
    sessions: sessionControl(context.ports),
    users: userControl(context.ports)
  }
}

function decorateRequests(app: FastifyInstance): void {
  app.decorateRequest(requestAuthKey)
  if (app.hasRequestDecorator('auth')) {
    app.log.warn('This app has a request.auth of its own, which stays. Read the user by app.latchkey.authOf(request).')
    return
  }
  app.decorateRequest('auth', {
    getter() {
      return requestAuth(this)
    }
  })
}

async function fillScope(scope: Scope, context: HttpContext): Promise<void> {
  const { ports, settings } = context
  prepareScope(scope, context)
  // A host's own @fastify/cors covers our routes too, and a second one beside it would fail.
  if (settings.allowedOrigins.length > 0 && !scope.hasPlugin('@fastify/cors'))
    await scope.register(cors, corsOptions(settings))
  if (settings.rateLimitEnabled) limitRequests(scope, ports)
  if (settings.docs) await (await import('./routes/openapi.js')).serveOpenapi(scope, context)
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
    endSession: (sid, note) => revokeSession(ports, sid, note, hostApp),
    endSessionsOfUser: (userId, note) => revokeSessionsOfUser(ports, userId, note, hostApp),
    endEverybodysSessions: () => revokeAllSessions(ports, hostApp)
  }
}
