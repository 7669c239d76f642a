import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { readBearer } from '../core/bearer.js'
import type { Actor } from '../ports/index.js'
import { Refused } from '../service/refused.js'
import type { PresentedCredential } from '../service/sessions/authenticate.js'
import type { Credentials } from '../service/sessions/issue-credentials.js'
import type { HeldCookie } from '../service/sessions/replace-session.js'
import type { SignedIn } from '../service/sessions/start-session.js'
import { clientAddress } from './client-address.js'
import type { HttpContext } from './context.js'
import { readCredential, writeCredential, writeDeviceToken } from './cookies.js'
import { requireOwnOrigin } from './origin-check.js'
import type { TokenResponse } from './schemas/sign-in.js'
import type { HttpSettings } from './settings.js'

/** How requests present credentials, and how responses hand them out. */

/** Who sends the request, and from where, for the event log. */
export function actorOf(request: FastifyRequest): Actor {
  return {
    userId: request.auth?.userId,
    ip: clientAddress(request),
    userAgent: request.headers['user-agent']?.slice(0, 400)
  }
}

/** The Bearer token of the Authorization header (RFC 6750 §2.1), or the session cookie if there is no such header. */
export function presentedCredential(request: FastifyRequest, settings: HttpSettings): PresentedCredential | undefined {
  const { authorization } = request.headers
  if (authorization !== undefined) {
    const token = readBearer(authorization)
    if (token === undefined) throw new Refused('invalid_token')
    return { kind: 'bearer', token }
  }
  const token = readCredential(request, 'session', settings)
  return token === undefined ? undefined : { kind: 'session', token }
}

/** The refresh token from the cookie or the body. Both at once are refused; the cookie counts only from our own pages. */
export function presentedRefreshToken(
  request: FastifyRequest,
  fromBody: string | undefined,
  context: HttpContext
): { readonly token: string; readonly inCookie: boolean } {
  const fromCookie = readCredential(request, 'refresh', context.settings)
  if (fromCookie !== undefined && fromBody !== undefined) throw new Refused('ambiguous_credentials')
  if (fromBody !== undefined) return { token: fromBody, inCookie: false }
  if (fromCookie === undefined) throw new Refused('missing_credentials')
  requireOwnOrigin(request, context)
  return { token: fromCookie, inCookie: true }
}

/** Reads the cookie that a response with new credentials would overwrite. It is overwritten for our own pages only. */
export function heldCookie(request: FastifyRequest, context: HttpContext): HeldCookie {
  return (kind) => {
    requireOwnOrigin(request, context)
    return readCredential(request, kind, context.settings)
  }
}

/**
 * Sends credentials as the session's mode demands. The refresh or session token goes into a cookie, in `body` mode into
 * the body. A cookie is set only if the token changed. The device token of a sign-in goes the same way; in `access`
 * mode, which has no other cookie, it goes into a cookie too.
 */
export function sendCredentials(
  reply: FastifyReply,
  credentials: Credentials & Partial<Pick<SignedIn, 'deviceToken'>>,
  settings: HttpSettings
): FastifyReply {
  const { sessionId, mode, accessToken, expiresInSeconds, opaque, deviceToken } = credentials
  if (mode !== 'body' && opaque?.changed) writeCredential(reply, opaque, settings)
  if (mode !== 'body' && deviceToken !== undefined) writeDeviceToken(reply, deviceToken, settings)
  const body: Static<typeof TokenResponse> = {
    ...(accessToken !== undefined && { access_token: accessToken, token_type: 'Bearer' }),
    expires_in: expiresInSeconds,
    session_id: sessionId,
    ...(mode === 'body' && opaque && { refresh_token: opaque.token, refresh_expires_in: opaque.expiresInSeconds }),
    ...(mode === 'body' && deviceToken !== undefined && { device_token: deviceToken })
  }
  return reply.send(body)
}
