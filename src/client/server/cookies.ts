import { withoutBlanks } from '../../core/header-text.js'
import { keyPattern } from '../session-key.js'

/** The cookies of a request that are Latchkey's, and the session's idempotency key beside them. */
export interface SessionCookies {
  /** The refresh tokens by the names of their cookies. Several Latchkeys on one host differ in the names. */
  readonly refreshTokens: ReadonlyMap<string, string>
  /** The device tokens, in the same way. */
  readonly deviceTokens: ReadonlyMap<string, string>
  /** Undefined if the session began without a key, or there is none. */
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
  const refreshTokens = new Map(pairs.filter(([name]) => refreshName.test(name)))
  // A sibling host can set a cookie without the prefix. Where Latchkey's cookies have it, the key must have it too.
  const prefix = [...refreshTokens.keys()].some((name) => name.startsWith('__Host-')) ? '__Host-' : ''
  const key = pairs.find(([name]) => name === prefix + keyName)?.[1] ?? ''
  return {
    refreshTokens,
    deviceTokens: new Map(pairs.filter(([name]) => deviceName.test(name))),
    key: keyPattern.test(key) ? key : undefined
  }
}

/** The `Cookie` header for Latchkey, without the site's own cookies. */
export function cookieHeader({ refreshTokens, deviceTokens }: SessionCookies): string {
  return [...refreshTokens, ...deviceTokens].map((pair) => pair.join('=')).join('; ')
}

/** The cookies that the browser sends after it has received `setCookies`. */
export function afterwards(cookies: SessionCookies, setCookies: readonly string[], key = cookies.key): SessionCookies {
  const refreshTokens = new Map(cookies.refreshTokens)
  for (const header of setCookies) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
    if (!refreshName.test(name)) continue
    if (value === '') refreshTokens.delete(name)
    else refreshTokens.set(name, value)
  }
  return { ...cookies, refreshTokens, key }
}

/**
 * Adds, to each `Set-Cookie` of a refresh token, one of the key with the same attributes: both last equally long, go to the
 * same places and are cleared together. So a browser has both or neither.
 */
export function withKeyCookie(setCookies: readonly string[], keyName: string, key: string | undefined) {
  if (key === undefined) return setCookies
  return setCookies.flatMap((header) => {
    const ofKey = header.replace(
      /^(__Host-)?refresh_token(?:_[a-z0-9]+)?=([^;]*)/,
      (_, prefix: string = '', token: string) => `${prefix}${keyName}=${token && key}`
    )
    return ofKey === header ? [header] : [header, ofKey]
  })
}
