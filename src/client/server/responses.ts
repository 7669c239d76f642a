import { AuthError } from '../auth-error.js'

/** A response to a page's script, which no cache may keep. */
export function jsonResponse(status: number, body: object | undefined, setCookies: readonly string[]): Response {
  const headers = new Headers({ 'cache-control': 'no-store' })
  for (const cookie of setCookies) headers.append('set-cookie', cookie)
  if (body === undefined) return new Response(null, { status, headers })
  headers.set('content-type', status < 400 ? 'application/json' : 'application/problem+json')
  return new Response(JSON.stringify(body), { status, headers })
}

/** Latchkey's problem (RFC 9457), as `latchkey/client` reads it. Without an answer of Latchkey it is a 503. */
export function problemResponse(error: AuthError, setCookies: readonly string[] = []): Response {
  const { message: title, reason, replaced, errors, retryAfterSeconds = 2 } = error
  const [status, code] = error.status === 0 ? [503, 'unavailable'] : [error.status, error.code]
  const response = jsonResponse(status, { title, status, code, reason, replaced, errors }, setCookies)
  if (error.isTemporary) response.headers.set('retry-after', String(Math.ceil(retryAfterSeconds)))
  return response
}

export function refusal(status: number, code: string, message: string): Response {
  return problemResponse(new AuthError(message, { status, code }))
}
