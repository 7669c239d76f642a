import type { CookieTokenKind, SessionTokenKind } from '../../core/opaque-token.js'
import { isOfKnownSession } from '../../service/sessions/held-token.js'
import type { HttpContext } from '../context.js'
import { type CookieKey, ownCookie } from './cookies.js'

/** A cookie of the request, and the token in it. */
export interface PresentedCookie extends CookieKey<SessionTokenKind> {
  readonly token: string
}

/** Whether the token has our MAC. Cookies are shared by all ports of a host, so others may use the same name. */
export function isOurs(kind: CookieTokenKind, token: string, { ports }: HttpContext): boolean {
  return ports.opaqueTokens.open(kind, token) !== undefined
}

/** Whether a cookie is this service's. Under an earlier name, another service with our root secret may have set it. */
export async function isOfThisService(cookie: PresentedCookie, context: HttpContext): Promise<boolean> {
  const isOwnName = cookie.suffix === ownCookie(cookie.kind, context.settings).suffix
  return isOwnName ? isOurs(cookie.kind, cookie.token, context) : isOfKnownSession(context.ports, cookie)
}

export async function ofThisService(cookies: readonly PresentedCookie[], context: HttpContext) {
  const areOurs = await Promise.all(cookies.map((cookie) => isOfThisService(cookie, context)))
  return cookies.filter((_, at) => areOurs[at])
}
