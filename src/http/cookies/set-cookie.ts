/** The attributes of a cookie (RFC 6265bis §4.1.2). */
export interface CookieAttributes {
  readonly maxAge?: number
  readonly domain?: string
  readonly path?: string
  readonly expires?: Date
  readonly httpOnly?: boolean
  readonly secure?: boolean
  readonly partitioned?: boolean
  readonly sameSite?: 'strict' | 'lax' | 'none'
}

const sameSites = { strict: 'Strict', lax: 'Lax', none: 'None' }

/** The value of a `Set-Cookie` header. Names, values and attributes are ours, so none needs to be escaped. */
export function setCookieHeader(name: string, value: string, attributes: CookieAttributes): string {
  const { maxAge, domain, path, expires, httpOnly, secure, partitioned, sameSite } = attributes
  return [
    `${name}=${value}`,
    maxAge !== undefined && `Max-Age=${maxAge}`,
    domain !== undefined && `Domain=${domain}`,
    path !== undefined && `Path=${path}`,
    expires && `Expires=${expires.toUTCString()}`,
    httpOnly && 'HttpOnly',
    secure && 'Secure',
    partitioned && 'Partitioned',
    sameSite && `SameSite=${sameSites[sameSite]}`
  ]
    .filter(Boolean)
    .join('; ')
}
