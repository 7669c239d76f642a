import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Auth } from '../core/access-claims.js'
import type { ProblemCode } from '../core/problems.js'
import {
  checkScope,
  guardOf,
  rememberAuth,
  rememberClient,
  rememberedAuth,
  rememberedClient,
  requestAuth
} from '../core/request-auth.js'
import { adminRole } from '../core/vocabulary.js'
import { Refused } from '../service/refused.js'
import { authenticateBearer, authenticateClient, authenticateSession } from '../service/sessions/authenticate.js'
import { requireRecentLogin } from '../service/sessions/recent-login.js'
import type { HttpContext, Scope } from './context.js'
import { presentedBearer, presentedSession } from './credentials.js'
import { describeGuard } from './describe.js'
import { safeMethods } from './origin-check.js'
import { refuse } from './problem.js'
import { forbidCaching } from './scope.js'

/** Guards every route that the scope registers from now on: only a signed-in user passes. */
export function requireUser(scope: Scope, context: HttpContext): void {
  forbidCaching(scope)
  scope.addHook('preHandler', authenticateGuard(context, { forHost: false }))
  describeGuard(scope, {
    security: [{ bearer: [] }, { session: [] }],
    problems: [
      'ambiguous_credentials',
      'missing_credentials',
      'invalid_token',
      'token_expired',
      'session_revoked',
      // The token of a machine client.
      'insufficient_scope',
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
    if (!safeMethods.has(request.method)) requireRecentLogin(context.ports, requestAuth(request))
  })
  describeGuard(scope, {
    tag: 'admin',
    problemsOfChanges: ['insufficient_user_authentication']
  })
}

/**
 * `app.latchkey.authenticate`: puts the user of the request's credential into `request.auth`, or answers 401. It sends
 * the response itself, so a host's own error handler cannot replace it.
 */
export function authenticateGuard(context: HttpContext, purpose = { forHost: true }) {
  return guard(context, (request, reply) => {
    if (acceptsBearer(request, context)) return undefined
    return requireSession(request, reply, context, purpose)
  })
}

/**
 * `app.latchkey.authenticateOptional`: for pages that also strangers see. A request without a credential passes, and
 * nobody is signed in. So does one with the cookie of an ended session, because browsers send cookies unasked. A refused
 * Bearer token is answered 401, so that its client refreshes.
 */
export function authenticateOptionalGuard(context: HttpContext) {
  return guard(context, (request, reply) => {
    if (acceptsBearer(request, context)) return undefined
    return acceptSessionIfAny(request, reply, context)
  })
}

/** Whether the request has a Bearer token. It is accepted without waiting; one that is not good is refused. */
function acceptsBearer(request: FastifyRequest, { ports }: HttpContext): boolean {
  const token = presentedBearer(request)
  if (token === undefined) return false
  rememberAuth(request, authenticateBearer(ports, token))
  return true
}

async function requireSession(
  request: FastifyRequest,
  reply: FastifyReply,
  context: HttpContext,
  purpose: { readonly forHost: boolean }
): Promise<void> {
  const token = await presentedSession(request, reply, context)
  if (token === undefined) throw new Refused('missing_credentials')
  rememberAuth(request, await authenticateSession(context.ports, token, purpose))
}

const endedCodes: ReadonlySet<ProblemCode> = new Set(['invalid_token', 'token_expired', 'session_revoked'])

async function acceptSessionIfAny(request: FastifyRequest, reply: FastifyReply, context: HttpContext): Promise<void> {
  const token = await presentedSession(request, reply, context)
  rememberAuth(request, token === undefined ? null : await authOrStranger(context, token))
}

async function authOrStranger({ ports }: HttpContext, token: string): Promise<Auth | null> {
  try {
    return await authenticateSession(ports, token, { forHost: true })
  } catch (error) {
    if (error instanceof Refused && endedCodes.has(error.code)) return null
    throw error
  }
}

/** `app.latchkey.requireRole`: runs after `authenticate`, and answers 403 to a user without the role. */
export function requireRoleGuard(context: HttpContext, role: string) {
  return guard(context, (request) => {
    if (!signedInUser(request).roles.includes(role)) throw new Refused('insufficient_scope')
    return undefined
  })
}

/**
 * `app.latchkey.requireRecentLogin`: runs after `authenticate`, and answers 401 `insufficient_user_authentication` (RFC
 * 9470) to a user whose last login is longer ago.
 */
export function requireRecentLoginGuard(context: HttpContext, maxAgeSeconds?: number) {
  return guard(context, (request) => {
    requireRecentLogin(context.ports, signedInUser(request), maxAgeSeconds)
    return undefined
  })
}

/**
 * `app.latchkey.requireScope`: accepts only the access token of a machine client that has the scope, and answers 403 with
 * the scope to any other good token (RFC 6750 §3.1). Cookies are not read: no browser is a machine client.
 */
export function requireScopeGuard(context: HttpContext, scope: string) {
  checkScope(scope)
  return guard(context, (request) => {
    const token = presentedBearer(request)
    if (token === undefined) throw new Refused('missing_credentials')
    rememberClient(request, authenticateClient(context.ports, token, scope))
    return undefined
  })
}

/** A `preHandler` that answers with the problem of what `check` throws, or rejects with. */
function guard(
  context: HttpContext,
  check: (request: FastifyRequest, reply: FastifyReply) => Promise<void> | undefined
) {
  return guardOf((request: FastifyRequest, reply: FastifyReply): Promise<unknown> | undefined => {
    try {
      return check(request, reply)?.catch((error) => refuse(request, reply, error, context))
    } catch (error) {
      return Promise.resolve(refuse(request, reply, error, context))
    }
  })
}

function signedInUser(request: FastifyRequest): Auth {
  const auth = rememberedAuth(request)
  if (auth !== null) return auth
  throw new Refused(rememberedClient(request) === null ? 'missing_credentials' : 'insufficient_scope')
}
