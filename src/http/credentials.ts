import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { readBearer } from '../core/bearer.js'
import type { CookieTokenKind, SessionTokenKind } from '../core/opaque-token.js'
import { rememberedAuth } from '../core/request-auth.js'
import type { Actor } from '../ports/index.js'
import { Refused } from '../service/refused.js'
import type { PresentedCredential } from '../service/sessions/authenticate.js'
import type { Credentials } from '../service/sessions/issue-credentials.js'
import type { HeldCookie } from '../service/sessions/replace-session.js'
import type { SignedIn } from '../service/sessions/start-session.js'
import { clientAddress } from './client-address.js'
import type { HttpContext } from './context.js'
import {
  clearCredential,
  clearOtherForms,
  cookieName,
  readCookies,
  writeCredential,
  writeDeviceToken
} from './cookies.js'
import { sendJson } from './host/own-bodies.js'
import { requireOwnOrigin, safeMethods } from './origin-check.js'
import type { TokenResponse } from './schemas/sign-in.js'
import type { HttpSettings } from './settings.js'

/** How requests present credentials, and how responses hand them out. */

/** Who sends the request, and from where, for the event log. */
export function actorOf(request: FastifyRequest): Actor {
  return {
    userId: rememberedAuth(request)?.userId,
    ip: clientAddress(request),
    userAgent: request.headers['user-agent']?.slice(0, 400)
  }
}

/** The Bearer token of the Authorization header (RFC 6750 §2.1); undefined without such a header. */
export function presentedBearer({ headers }: FastifyRequest) {
  if (headers.authorization === undefined) return undefined
  const token = readBearer(headers.authorization)
  if (token === undefined) throw new Refused('invalid_token')
  return { kind: 'bearer', token } as const
}

/** The Bearer token, or the session cookie if there is no Authorization header. */
export function presentedCredential(
  request: FastifyRequest,
  reply: FastifyReply,
  context: HttpContext
): PresentedCredential | undefined {
  const bearer = presentedBearer(request)
  if (bearer !== undefined) return bearer
  const token = readCredential(request, reply, 'session', context)
  return token === undefined ? undefined : { kind: 'session', token }
}

/** The refresh token from the cookie or the body. Both at once are refused. */
export function presentedRefreshToken(
  request: FastifyRequest,
  reply: FastifyReply,
  fromBody: string | undefined,
  context: HttpContext
): { readonly token: string; readonly inCookie: boolean } {
  const fromCookie = readCredential(request, reply, 'refresh', context)
  if (fromCookie !== undefined && fromBody !== undefined) throw new Refused('ambiguous_credentials')
  if (fromBody !== undefined) return { token: fromBody, inCookie: false }
  if (fromCookie === undefined) throw new Refused('missing_credentials')
  return { token: fromCookie, inCookie: true }
}

/**
 * The token in the cookie of this kind. A request that changes something must come from our own pages. Two cookies of
 * one name are refused, because a sibling host may have set one of them. If one value is ours, the response clears the
 * other forms, so a retry succeeds. If several are ours, it clears all forms. If none is ours, it clears nothing: the
 * cookies may be another service's.
 */
function readCredential(
  request: FastifyRequest,
  reply: FastifyReply,
  kind: SessionTokenKind,
  context: HttpContext
): string | undefined {
  const { settings } = context
  const tokens = readCookies(request, kind, settings)
  if (tokens.length > 0 && !safeMethods.has(request.method)) requireOwnOrigin(request, context)
  if (tokens.length <= 1) return tokens[0] || undefined

  const ours = tokens.filter((token) => isOurs(kind, token, context))
  if (ours.length > 0) clearOtherForms(request, reply, kind, settings)
  if (ours.length > 1) clearCredential(reply, kind, settings)
  throw new Refused('ambiguous_credentials', { detail: `Two cookies are named ${cookieName(kind, settings)}.` })
}

/** Whether the token has our MAC. Cookies are shared by all ports of a host, so others may use the same name. */
export function isOurs(kind: CookieTokenKind, token: string, { ports }: HttpContext): boolean {
  return ports.opaqueTokens.open(kind, token) !== undefined
}

/**
 * Clears the cookies of a session that has ended, but no cookie that may be another service's or another session's. `sid`
 * is that session; without it, every session in the cookies has ended.
 */
export function clearCookies(
  request: FastifyRequest,
  reply: FastifyReply,
  kind: SessionTokenKind,
  { ports, settings }: HttpContext,
  sid?: string
): void {
  const tokens = readCookies(request, kind, settings)
  const sids = tokens.map((token) => ports.opaqueTokens.open(kind, token)?.sid)
  if (tokens.length > 0 && !sids.some((found) => found !== undefined && (sid ?? found) === found)) return
  if (tokens.length > 1) clearOtherForms(request, reply, kind, settings)
  clearCredential(reply, kind, settings)
}

/** Reads the cookie that a response with new credentials would overwrite. Only our own pages may cause that. */
export function heldCookie(request: FastifyRequest, reply: FastifyReply, context: HttpContext): HeldCookie {
  return (kind) => {
    requireOwnOrigin(request, context)
    return readCredential(request, reply, kind, context)
  }
}

/**
 * Sends the credentials of a sign-in. If the request has several cookies of the name, or one that is not ours, clears the
 * other forms, so that only the new cookie is left. It clears them before it sets the new one, because a browser that
 * ignores `Partitioned` would clear the new one.
 */
export function sendSignedIn(
  request: FastifyRequest,
  reply: FastifyReply,
  signedIn: SignedIn,
  context: HttpContext
): FastifyReply {
  const { settings } = context
  const kinds: readonly CookieTokenKind[] =
    signedIn.opaque === undefined ? ['device'] : [signedIn.opaque.kind, 'device']
  for (const kind of signedIn.mode === 'body' ? [] : kinds) {
    const tokens = readCookies(request, kind, settings)
    const isForeign = kind !== 'device' && tokens.some((token) => !isOurs(kind, token, context))
    if (tokens.length > 1 || isForeign) clearOtherForms(request, reply, kind, settings)
  }
  return sendCredentials(reply, signedIn, settings)
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
  return sendJson(reply, body)
}
