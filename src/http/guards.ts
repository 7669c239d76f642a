import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Auth } from '../core/access-claims.js'
import type { ProblemCode } from '../core/problems.js'
import { rememberAuth, rememberedAuth, requestAuth } from '../core/request-auth.js'
import { adminRole } from '../core/vocabulary.js'
import { Refused } from '../service/refused.js'
import { authenticate, type PresentedCredential } from '../service/sessions/authenticate.js'
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
    if (!safeMethods.has(request.method)) requireRecentLogin(context.ports, requestAuth(request))
  })
  describeGuard(scope, {
    tag: 'admin',
    problems: ['insufficient_scope'],
    problemsOfChanges: ['insufficient_user_authentication']
  })
}

/**
 * `app.latchkey.authenticate`: puts the user of the request's credential into `request.auth`, or answers 401. It sends
 * the response itself, so a host's own error handler cannot replace it.
 */
export function authenticateGuard(context: HttpContext) {
  return guard(context, async (request, reply) => {
    const credential = await presentedCredential(request, reply, context)
    if (credential === undefined) throw new Refused('missing_credentials')
    rememberAuth(request, await authenticate(context.ports, credential))
  })
}

/**
 * `app.latchkey.authenticateOptional`: for pages that also strangers see. A request without a credential passes, and
 * nobody is signed in. So does one with the cookie of an ended session, because browsers send cookies unasked. A refused
 * Bearer token is answered 401, so that its client refreshes.
 */
export function authenticateOptionalGuard(context: HttpContext) {
  return guard(context, async (request, reply) => {
    const credential = await presentedCredential(request, reply, context)
    rememberAuth(request, credential === undefined ? null : await authOrStranger(context, credential))
  })
}

const endedCodes: ReadonlySet<ProblemCode> = new Set(['invalid_token', 'token_expired', 'session_revoked'])

async function authOrStranger({ ports }: HttpContext, credential: PresentedCredential): Promise<Auth | null> {
  try {
    return await authenticate(ports, credential)
  } catch (error) {
    if (credential.kind === 'session' && error instanceof Refused && endedCodes.has(error.code)) return null
    throw error
  }
}

/** `app.latchkey.requireRole`: runs after `authenticate`, and answers 403 to a user without the role. */
export function requireRoleGuard(context: HttpContext, role: string) {
  return guard(context, async (request) => {
    if (!signedInUser(request).roles.includes(role)) throw new Refused('insufficient_scope')
  })
}

/**
 * `app.latchkey.requireRecentLogin`: runs after `authenticate`, and answers 401 `insufficient_user_authentication` (RFC
 * 9470) to a user whose last login is longer ago.
 */
export function requireRecentLoginGuard(context: HttpContext, maxAgeSeconds?: number) {
  return guard(context, async (request) => requireRecentLogin(context.ports, signedInUser(request), maxAgeSeconds))
}

/** A `preHandler` that answers with the problem of what `check` throws. */
function guard(
  context: HttpContext,
  check: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return async (request, reply) => {
    try {
      await check(request, reply)
    } catch (error) {
      return refuse(request, reply, error, context)
    }
  }
}

function signedInUser(request: FastifyRequest): Auth {
  const auth = rememberedAuth(request)
  if (auth === null) throw new Refused('missing_credentials')
  return auth
}
