import type { FastifyReply, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify'
import type { Auth } from '../core/access-claims.js'
import { adminRole } from '../core/vocabulary.js'
import { Refused } from '../service/refused.js'
import { authenticate } from '../service/sessions/authenticate.js'
import { requireRecentLogin } from '../service/sessions/recent-login.js'
import type { HttpContext, Scope } from './context.js'
import { presentedCredential } from './credentials.js'
import { describeGuard } from './describe.js'
import { safeMethods } from './origin-check.js'
import { refuse } from './problem.js'
import { forbidCaching } from './scope.js'

/** Guards every route that the scope registers from now on: only a signed-in user passes. */
export function requireUser(scope: Scope, context: HttpContext): void {
  forbidCaching(scope)
  scope.addHook('preHandler', authenticateGuard(context))
  describeGuard(scope, {
    security: [{ bearer: [] }, { session: [] }],
    problems: [
      'ambiguous_credentials',
      'missing_credentials',
      'invalid_token',
      'token_expired',
      'session_revoked',
      'unavailable'
    ]
  })
}

/**
 * Guards every route that the scope registers from now on: only a signed-in user with the role `admin` passes, and may
 * change something only after a recent login.
 */
export function requireAdmin(scope: Scope, context: HttpContext): void {
  requireUser(scope, context)
  scope.addHook('preHandler', requireRoleGuard(context, adminRole))
  scope.addHook('preHandler', async (request) => {
    if (!safeMethods.has(request.method)) requireRecentLogin(context.ports, authOf(request))
  })
  describeGuard(scope, {
    tag: 'admin',
    problems: ['insufficient_scope'],
    problemsOfChanges: ['insufficient_user_authentication']
  })
}

/**
 * `app.authenticate`: puts the user of the request's credential into `request.auth`, or answers 401. It sends the
 * response itself, so a host's own error handler cannot replace it.
 */
export function authenticateGuard(context: HttpContext): preHandlerAsyncHookHandler {
  const { ports } = context
  return async (request, reply) => {
    try {
      const credential = await presentedCredential(request, reply, context)
      if (credential === undefined) throw new Refused('missing_credentials')
      request.auth = await authenticate(ports, credential)
    } catch (error) {
      return refuse(request, reply, error, context)
    }
  }
}

/** `app.requireRole`: runs after `app.authenticate`, and answers 403 to a user without the role. */
export function requireRoleGuard(context: HttpContext, role: string): preHandlerAsyncHookHandler {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    if (request.auth === null) return refuse(request, reply, new Refused('missing_credentials'), context)
    if (!request.auth.roles.includes(role)) return refuse(request, reply, new Refused('insufficient_scope'), context)
  }
}

/** The user of the request, on a route behind `requireUser`. */
export function authOf(request: FastifyRequest): Auth {
  if (request.auth === null)
    throw new Error(`${request.routeOptions.url ?? 'The route'} is not guarded by authenticate.`)
  return request.auth
}
