import { withoutBlanks } from '../../core/header-text.js'
import { keyPattern } from '../session-key.js'

/** A cookie's name and value. */
type Pair = readonly [name: string, value: string]

/**
 * The cookies of a request that are Latchkey's, and the session's idempotency key beside them. Several Latchkeys on one
 * host differ in the names. A name may be there twice: Latchkey decides which cookie counts.
 */
export interface SessionCookies {
  readonly refreshTokens: readonly Pair[]
  readonly deviceTokens: readonly Pair[]
  /** Undefined if the session began without a key, or if there are two. */
  readonly key: string | undefined
}

const refreshName = /^(?:__Host-)?refresh_token(?:_[a-z0-9]+)?$/
const deviceName = /^(?:__Host-)?device(?:_[a-z0-9]+)?$/

/** The name of the key's cookie, without a prefix. Latchkeys on one host differ in the port or the path. */
export function keyCookieName({ port, pathname }: URL): string {
  return ['refresh_key', port, ...pathname.split('/')]
    .filter(Boolean)
    .join('_')
    .replace(/[^\w-]/g, '_')
}

export function readCookies(header: string, keyName: string): SessionCookies {
  const pairs = header.split(';').map((pair) => {
    const [name = '', ...value] = withoutBlanks(pair).split('=')
    return [name, value.join('=')] as const
  })
  const refreshTokens = pairs.filter(([name]) => refreshName.test(name))
  // A sibling host can set a cookie without the prefix. Where Latchkey's cookies have it, the key must have it too.
  const prefix = refreshTokens.some(([name]) => name.startsWith('__Host-')) ? '__Host-' : ''
  const keys = new Set(pairs.filter(([name]) => name === prefix + keyName).map(([, value]) => value))
  const [key = ''] = keys
  return {
    refreshTokens,
    deviceTokens: pairs.filter(([name]) => deviceName.test(name)),
    key: keys.size === 1 && keyPattern.test(key) ? key : undefined
  }
}

/** The `Cookie` header for Latchkey, without the site's own cookies. */
export function cookieHeader({ refreshTokens, deviceTokens }: SessionCookies): string {
  return [...refreshTokens, ...deviceTokens].map((pair) => pair.join('=')).join('; ')
}

/** The cookies that the browser sends after it has received `setCookies`. */
export function afterwards(cookies: SessionCookies, setCookies: readonly string[], key = cookies.key): SessionCookies {
  let { refreshTokens } = cookies
  for (const header of setCookies) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
    if (!refreshName.test(name)) continue
    const others = refreshTokens.filter((pair) => pair[0] !== name)
    refreshTokens = value === '' ? others : [...others, [name, value]]
  }
  return { ...cookies, refreshTokens, key }
}

/**
 * Adds, to each `Set-Cookie` of a refresh token, one of the key with the same attributes: both last equally long, go to the
 * same places and are cleared together. So a browser has both or neither.
 */
export function withKeyCookie(setCookies: readonly string[], keyName: string, key: string | undefined) {
  return setCookies.flatMap((header) => {
    const [text, prefix = '', token] = /^(__Host-)?refresh_token(?:_[a-z0-9]+)?=([^;]*)/.exec(header) ?? []
    const value = token && key
    if (text === undefined || value === undefined) return [header]
    return [header, `${prefix}${keyName}=${value}${header.slice(text.length)}`]
  })
}
