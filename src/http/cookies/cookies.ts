import type { FastifyReply, FastifyRequest } from 'fastify'
import { withoutBlanks } from '../../core/header-text.js'
import { type CookieTokenKind, deviceTokenLifeSeconds, type SessionTokenKind } from '../../core/opaque-token.js'
import type { OpaqueCredential } from '../../service/sessions/issue-credentials.js'
import type { HttpContext } from '../context.js'
import { pathOf } from '../exact-addresses.js'
import type { HttpSettings } from '../settings.js'
import type { CookieAttributes } from './serializer.js'

/** The only file that reads or writes a cookie. */

type CookieSettings = Pick<HttpSettings, 'cookieSecure' | 'cookieSameSite' | 'cookieNameSuffixes'>
/** What writes cookies. */
type CookieContext = Pick<HttpContext, 'settings' | 'serializeCookie'>

const baseNames: Readonly<Record<CookieTokenKind, string>> = {
  refresh: 'refresh_token',
  session: 'session',
  device: 'device'
}

/** Which cookie: the kind of its token, and the suffix of its name. */
export interface CookieKey<Kind extends CookieTokenKind = CookieTokenKind> {
  readonly kind: Kind
  readonly suffix: string
}

/** The cookie in which this service puts new tokens of the kind. */
export function ownCookie<Kind extends CookieTokenKind>(kind: Kind, settings: CookieSettings): CookieKey<Kind> {
  return { kind, suffix: settings.cookieNameSuffixes[0] }
}

/** The cookies in which this service may have put tokens of the kind under another `COOKIE_NAME_SUFFIX`. */
export function earlierCookies<Kind extends CookieTokenKind>(
  kind: Kind,
  settings: CookieSettings
): readonly CookieKey<Kind>[] {
  return settings.cookieNameSuffixes.slice(1).map((suffix) => ({ kind, suffix }))
}

/** `__Host-` makes browsers keep a cookie to this host and to HTTPS (RFC 6265bis §4.1.3.2); plain http cannot set it. */
export function cookieName({ kind, suffix }: CookieKey, settings: CookieSettings): string {
  return `${settings.cookieSecure ? '__Host-' : ''}${baseNames[kind]}${suffix}`
}

/**
 * The values of all cookies of this name in a request. A browser can hold several cookies of one name: a sibling host may
 * have set one (cookie tossing), or this service did under an earlier `COOKIE_SAME_SITE`.
 */
export function readCookies(request: FastifyRequest, key: CookieKey, settings: CookieSettings): readonly string[] {
  const name = cookieName(key, settings)
  return (request.headers.cookie ?? '')
    .split(';')
    .map(withoutBlanks)
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1).replace(/^"(.*)"$/, '$1'))
}

export function writeCredential(
  reply: FastifyReply,
  { kind, token, expiresInSeconds }: OpaqueCredential,
  suffix: string,
  context: CookieContext
): void {
  setCookie(reply, { kind, suffix }, token, context, { maxAge: expiresInSeconds })
}

/** Logout keeps this cookie. It proves that the user has signed in on this device before, and gives no access. */
export function writeDeviceToken(reply: FastifyReply, token: string, context: CookieContext): void {
  setCookie(reply, ownCookie('device', context.settings), token, context, { maxAge: deviceTokenLifeSeconds })
}

/** Clears the cookie in the form that `writeCredential` sets. */
export function clearCredential(reply: FastifyReply, key: CookieKey<SessionTokenKind>, context: CookieContext): void {
  setCookie(reply, key, '', context, cleared)
}

/** Clears every cookie of this name that the browser may have sent, except the one that the service sets. */
export function clearOtherForms(
  request: FastifyRequest,
  reply: FastifyReply,
  key: CookieKey,
  context: CookieContext
): void {
  for (const form of otherForms(request, context.settings)) setCookie(reply, key, '', context, { ...form, ...cleared })
}

const cleared = { maxAge: 0, expires: new Date(0) }

/**
 * The forms of a cookie that browsers keep apart from ours under the same name: they differ in `Partitioned` and, without
 * the prefix, in domain or path.
 */
function otherForms(request: FastifyRequest, settings: CookieSettings): readonly CookieAttributes[] {
  if (settings.cookieSecure) return [{ partitioned: settings.cookieSameSite !== 'none' }]
  const places = [{}, ...cookieDomains(request.hostname).map((domain) => ({ domain }))]
  return places.flatMap((place) => [
    ...cookiePaths(pathOf(request))
      .map((path) => ({ ...place, path }))
      .filter((form) => form.path !== '/' || 'domain' in form),
    // Browsers accept `Partitioned` only with `Secure`.
    { ...place, partitioned: true, secure: true }
  ])
}

/** Hosts have few labels and our paths few segments. The limit keeps a response short whatever the request says. */
const maxParts = 6

/**
 * The domains whose cookies browsers send to a host: its own and its parents. Without names of one label: on `localhost`,
 * browsers take `Domain=localhost` for a cookie without a domain, which is ours.
 */
function cookieDomains(hostname: string): readonly string[] {
  if (!/^[a-z\d-]{1,63}(\.[a-z\d-]{1,63})+$/i.test(hostname) || /^[\d.]+$/.test(hostname)) return []
  const labels = hostname.split('.').slice(-maxParts)
  return labels.slice(0, -1).map((_, first) => labels.slice(first).join('.'))
}

/** The paths whose cookies browsers send with a request to `path` (RFC 6265 §5.1.4). */
function cookiePaths(path: string): readonly string[] {
  if (!/^[\w.~/-]+$/.test(path)) return ['/']
  const ends = [...path.matchAll(/\/|$/g)].map(({ index }) => index).slice(0, maxParts)
  return [...new Set(['/', ...ends.flatMap((end) => [path.slice(0, end), path.slice(0, end + 1)])])].filter(Boolean)
}

/** Bypasses `reply.setCookie`, which would add the host's cookie defaults, such as a domain. */
function setCookie(
  reply: FastifyReply,
  key: CookieKey,
  value: string,
  { settings, serializeCookie }: CookieContext,
  attributes: CookieAttributes
): void {
  const header = serializeCookie(cookieName(key, settings), value, {
    path: '/',
    httpOnly: true,
    secure: settings.cookieSecure,
    sameSite: settings.cookieSameSite,
    // With `SameSite=None`, browsers keep one cookie jar per embedding site (CHIPS).
    partitioned: settings.cookieSameSite === 'none',
    ...attributes
  })
  reply.header('set-cookie', header)
}
