import { createHash } from 'node:crypto'

/** The suffixes of cookie names: first that of new cookies, then those under which this service may have set others. */
export type CookieNameSuffixes = readonly [string, ...string[]]

/**
 * The suffixes for a value of `COOKIE_NAME_SUFFIX`. Browsers send a cookie to every port and, with `Path=/`, to every path
 * of a host (RFC 6265 §8.5). So `auto` makes the names differ by the port and the path of the issuer. Without a suffix
 * were the versions before this setting, and `none` is; so an instance also accepts the cookies of those names, and one
 * with another setting accepts those of `auto`: instances of both settings can run side by side.
 */
export function cookieNameSuffixes(setting: string, issuer: string): CookieNameSuffixes {
  const auto = automaticSuffix(new URL(issuer))
  const own = setting === 'auto' ? auto : setting === 'none' ? '' : `_${setting}`
  return [own, ...new Set(['', auto].filter((suffix) => suffix !== own))]
}

/** None for the address that a service has if it is alone on its host, so that most names stay plain. */
function automaticSuffix({ protocol, hostname, port: otherPort, pathname }: URL): string {
  const port = otherPort || (protocol === 'https:' ? '443' : '80')
  const path = pathname.replace(/\/+$/, '')
  const isPlainAddress = otherPort === '' || (hostname === 'localhost' && port === '3000')
  if (path === '' && isPlainAddress) return ''
  return `_${createHash('sha256')
    .update(port + path)
    .digest('hex')
    .slice(0, 8)}`
}
