import { fastifyCookie, type SerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { withoutBlanks } from '../core/header-text.js'
import { deviceTokenLifeSeconds, type SessionTokenKind, type TokenKind } from '../core/opaque-token.js'
import { Refused } from '../service/refused.js'
import type { OpaqueCredential } from '../service/sessions/issue-credentials.js'
import type { HttpSettings } from './settings.js'

/** The only file that reads or writes a cookie. */

type CookieSettings = Pick<HttpSettings, 'cookieSecure' | 'cookieSameSite'>

const baseNames: Readonly<Record<TokenKind, string>> = {
  refresh: 'refresh_token',
  session: 'session',
  device: 'device'
}

/** `__Host-` makes browsers keep a cookie to this host and to HTTPS (RFC 6265bis §4.1.3.2); plain http cannot set it. */
export function cookieName(kind: TokenKind, settings: CookieSettings): string {
  return settings.cookieSecure ? `__Host-${baseNames[kind]}` : baseNames[kind]
}

/**
 * The credential or device token in a request's cookies. Two cookies of the same name are refused: one of them may have
 * been set by a sibling host (cookie tossing).
 */
export function readCredential(request: FastifyRequest, kind: TokenKind, settings: CookieSettings): string | undefined {
  const name = cookieName(kind, settings)
  const values = (request.headers.cookie ?? '')
    .split(';')
    .map(withoutBlanks)
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1).replace(/^"(.*)"$/, '$1'))
  if (values.length > 1) throw new Refused('ambiguous_credentials', { detail: `Two cookies are named ${name}.` })
  return values[0] || undefined
}

export function writeCredential(reply: FastifyReply, credential: OpaqueCredential, settings: CookieSettings): void {
  setCookie(reply, credential.kind, credential.token, settings, { maxAge: credential.expiresInSeconds })
}

/** Logout keeps this cookie. It proves that the user has signed in on this device before, and gives no access. */
export function writeDeviceToken(reply: FastifyReply, token: string, settings: CookieSettings): void {
  setCookie(reply, 'device', token, settings, { maxAge: deviceTokenLifeSeconds })
}

export function clearCredential(reply: FastifyReply, kind: SessionTokenKind, settings: CookieSettings): void {
  setCookie(reply, kind, '', settings, { maxAge: 0, expires: new Date(0) })
}

/** Bypasses `reply.setCookie`, which would add the host's cookie defaults, such as a domain. */
function setCookie(
  reply: FastifyReply,
  kind: TokenKind,
  value: string,
  settings: CookieSettings,
  life: Pick<SerializeOptions, 'maxAge' | 'expires'>
): void {
  const header = fastifyCookie.serialize(cookieName(kind, settings), value, {
    path: '/',
    httpOnly: true,
    secure: settings.cookieSecure,
    sameSite: settings.cookieSameSite,
    // With `SameSite=None`, browsers keep one cookie jar per embedding site (CHIPS).
    partitioned: settings.cookieSameSite === 'none',
    ...life
  })
  reply.header('set-cookie', header)
}
