// Long, because it is all that requests present and responses hand out.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { readBearer } from '../core/bearer.js'
import type { CookieTokenKind, SessionTokenKind } from '../core/opaque-token.js'
import { rememberedAuth } from '../core/request-auth.js'
import type { Actor } from '../ports/index.js'
import { Refused } from '../service/refused.js'
import type { HeldToken } from '../service/sessions/held-token.js'
import type { Credentials } from '../service/sessions/issue-credentials.js'
import type { HeldCookie } from '../service/sessions/replace-session.js'
import type { SignedIn } from '../service/sessions/start-session.js'
import { clientAddress } from './client-address.js'
import type { HttpContext } from './context.js'
import { clearEarlierCookies } from './cookies/clearing.js'
import {
  type CookieKey,
  clearCredential,
  clearOtherForms,
  cookieName,
  earlierCookies,
  ownCookie,
  readCookies,
  writeCredential,
  writeDeviceToken
} from './cookies/cookies.js'
import { isOfThisService, isOurs, ofThisService, type PresentedCookie } from './cookies/ownership.js'
import { sendJson } from './host/own-bodies.js'
import { needsOwnOrigin, requireOwnOrigin } from './origin-check.js'
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
export function presentedBearer({ headers }: FastifyRequest): string | undefined {
  if (headers.authorization === undefined) return undefined
  const token = readBearer(headers.authorization)
  if (token === undefined) throw new Refused('invalid_token')
  return token
}

/** The token in the session cookie. An Authorization header counts in its place. */
export async function presentedSession(
  request: FastifyRequest,
  reply: FastifyReply,
  context: HttpContext
): Promise<string | undefined> {
  return (await presentedCookie(request, reply, 'session', context))?.token
}

/** The refresh token from the cookie or the body, with the suffix of the cookie's name. Both at once are refused. */
export async function presentedRefreshToken(
  request: FastifyRequest,
  reply: FastifyReply,
  fromBody: string | undefined,
  context: HttpContext
): Promise<{ readonly token: string; readonly suffix?: string }> {
  const cookie = await presentedCookie(request, reply, 'refresh', context)
  if (fromBody !== undefined) {
    if (cookie !== undefined && (await isOfThisService(cookie, context))) throw new Refused('ambiguous_credentials')
    return { token: fromBody }
  }
  if (cookie === undefined) throw new Refused('missing_credentials')
  return cookie
}

/**
 * The cookie of this kind. A request that changes something or opens a WebSocket must come from our own pages. Two
 * cookies of one name are refused, because a sibling host may have set one of them. If one value is ours, the response
 * clears the other forms, so a retry succeeds. If several are ours, it clears all forms. If none is ours, it clears
 * nothing: the cookies may be another service's.
 */
async function presentedCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  kind: SessionTokenKind,
  context: HttpContext
): Promise<PresentedCookie | undefined> {
  const { settings } = context
  const own = ownCookie(kind, settings)
  const tokens = readCookies(request, own, settings)
  if (tokens.length > 0 && needsOwnOrigin(request)) requireOwnOrigin(request, context)
  const ours = tokens.filter((token) => isOurs(kind, token, context))
  if (ours.length === 0) {
    const earlier = await presentedEarlierCookie(request, reply, kind, context)
    if (earlier !== undefined) return earlier
  }
  const [token] = tokens
  if (tokens.length <= 1) return token ? { ...own, token } : undefined

  if (ours.length > 0) clearOtherForms(request, reply, own, context)
  if (ours.length > 1) clearCredential(reply, own, context)
  throw twoCookies(own, settings)
}

/**
 * The cookie of a session that began under another `COOKIE_NAME_SUFFIX`. Other services on this host can use its name, so
 * it counts only if it is of this service, and no other cookie makes it ambiguous.
 */
async function presentedEarlierCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  kind: SessionTokenKind,
  context: HttpContext
): Promise<PresentedCookie | undefined> {
  const { settings } = context
  for (const key of earlierCookies(kind, settings)) {
    const tokens = readCookies(request, key, settings)
    const withOurMac = tokens.filter((token) => isOurs(kind, token, context)).map((token) => ({ ...key, token }))
    // A refresh reads the session anyway, and only after it has counted the request.
    const cookies = kind === 'refresh' && withOurMac.length <= 1 ? withOurMac : await ofThisService(withOurMac, context)
    const [cookie] = cookies
    if (cookie === undefined) continue
    if (needsOwnOrigin(request)) requireOwnOrigin(request, context)
    if (cookies.length === 1) return cookie

    await clearEarlierCookies(request, reply, kind, context)
    throw twoCookies(key, settings)
  }
  return undefined
}

function twoCookies(key: CookieKey, settings: HttpSettings): Refused {
  return new Refused('ambiguous_credentials', { detail: `Two cookies are named ${cookieName(key, settings)}.` })
}

/** The tokens of this kind in all cookies of the request that may be ours, under the own name first. */
export function tokensInCookies<Kind extends CookieTokenKind>(
  request: FastifyRequest,
  kind: Kind,
  context: HttpContext
): readonly (CookieKey<Kind> & { readonly token: string })[] {
  const { settings } = context
  const own = ownCookie(kind, settings)
  return [own, ...earlierCookies(kind, settings)].flatMap((key) =>
    readCookies(request, key, settings)
      .filter((token) => token !== '' && (key.suffix === own.suffix || isOurs(kind, token, context)))
      .map((token) => ({ ...key, token }))
  )
}

/** The refresh and session tokens in cookies and the body. A refresh token in both is refused. */
export async function heldTokens(
  request: FastifyRequest,
  fromBody: string | undefined,
  context: HttpContext
): Promise<readonly HeldToken[]> {
  const inCookies = sessionKinds.flatMap((kind) => tokensInCookies(request, kind, context))
  if (inCookies.length > 0) requireOwnOrigin(request, context)
  if (fromBody === undefined) return inCookies
  const ours = await ofThisService(inCookies, context)
  if (ours.some(({ kind }) => kind === 'refresh')) throw new Refused('ambiguous_credentials')
  return [{ kind: 'refresh', token: fromBody }, ...inCookies]
}

export const sessionKinds = ['refresh', 'session'] as const

/** Reads the cookie that a response with new credentials would overwrite. Only our own pages may cause that. */
export function heldCookie(request: FastifyRequest, reply: FastifyReply, context: HttpContext): HeldCookie {
  const held = heldHostCookie(request, reply, context)
  return async (kind, sid) => {
    requireOwnOrigin(request, context)
    return held(kind, sid)
  }
}

/** Reads that cookie on a route of the host, which decides whose requests it accepts. */
export function heldHostCookie(request: FastifyRequest, reply: FastifyReply, context: HttpContext): HeldCookie {
  return async (kind, sid) => {
    const cookie = await presentedCookie(request, reply, kind, context)
    if (cookie === undefined) return undefined
    const isOfSession = context.ports.opaqueTokens.open(kind, cookie.token)?.sid === sid
    return isOfSession || cookie.suffix === ownCookie(kind, context.settings).suffix ? cookie.token : undefined
  }
}

/** Sends the credentials of a sign-in. */
export async function sendSignedIn(...args: Parameters<typeof handOutSignedIn>): Promise<FastifyReply> {
  return sendJson(args[1], await handOutSignedIn(...args))
}

/**
 * Hands out the credentials of a sign-in, and returns the body. If the request has several cookies of the name, or one that is not ours, clears the
 * other forms, so that only the new cookie is left. It clears them before it sets the new one, because a browser that
 * ignores `Partitioned` would clear the new one.
 */
export async function handOutSignedIn(
  request: FastifyRequest,
  reply: FastifyReply,
  signedIn: SignedIn,
  context: HttpContext
): Promise<Tokens> {
  const { settings } = context
  const kinds: readonly CookieTokenKind[] =
    signedIn.opaque === undefined ? ['device'] : [signedIn.opaque.kind, 'device']
  for (const kind of signedIn.mode === 'body' ? [] : kinds) {
    const own = ownCookie(kind, settings)
    const tokens = readCookies(request, own, settings)
    const isForeign = kind !== 'device' && tokens.some((token) => !isOurs(kind, token, context))
    if (tokens.length > 1 || isForeign) clearOtherForms(request, reply, own, context)
    // The login has ended the sessions of all cookies of this kind.
    if (kind !== 'device') await clearEarlierCookies(request, reply, kind, context)
  }
  return handOut(reply, signedIn, context)
}

/** Sends the credentials of the session that replaces `sid`. */
export async function sendReplaced(...args: Parameters<typeof handOutReplaced>): Promise<FastifyReply> {
  return sendJson(args[1], await handOutReplaced(...args))
}

/**
 * Hands out the credentials of the session that replaces `sid`, and returns the body. Clears the cookie of `sid` if it has an
 * earlier name.
 */
export async function handOutReplaced(
  request: FastifyRequest,
  reply: FastifyReply,
  credentials: Credentials,
  context: HttpContext,
  sid: string
): Promise<Tokens> {
  for (const kind of sessionKinds) await clearEarlierCookies(request, reply, kind, context, sid)
  return handOut(reply, credentials, context)
}

type Tokens = Static<typeof TokenResponse>

/** Sends credentials as `handOut` does. */
export function sendCredentials(...args: Parameters<typeof handOut>): FastifyReply {
  return sendJson(args[0], handOut(...args))
}

/**
 * Hands out credentials as the session's mode demands, and returns the body. The refresh or session token goes into a cookie, in `body` mode into
 * the body. A cookie is set only if the token changed, under the name with `suffix`. The device token of a sign-in goes
 * the same way; in `access` mode, which has no other cookie, it goes into a cookie too.
 */
function handOut(
  reply: FastifyReply,
  credentials: Credentials & Partial<Pick<SignedIn, 'deviceToken'>>,
  context: HttpContext,
  suffix = context.settings.cookieNameSuffixes[0]
): Tokens {
  const { sessionId, mode, accessToken, expiresInSeconds, opaque, deviceToken } = credentials
  if (mode !== 'body' && opaque?.changed) writeCredential(reply, opaque, suffix, context)
  if (mode !== 'body' && deviceToken !== undefined) writeDeviceToken(reply, deviceToken, context)
  return {
    ...(accessToken !== undefined && { access_token: accessToken, token_type: 'Bearer' }),
    expires_in: expiresInSeconds,
    session_id: sessionId,
    ...(mode === 'body' && opaque && { refresh_token: opaque.token, refresh_expires_in: opaque.expiresInSeconds }),
    ...(mode === 'body' && deviceToken !== undefined && { device_token: deviceToken })
  }
}
