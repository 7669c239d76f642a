import { parseToken } from '../../core/opaque-token.js'
import { type HttpResponse, textMember } from '../wire/http-message.js'

export interface RefreshToken {
  readonly text: string
  readonly sid: string
  readonly generation: number
}

/** The refresh token in a response, from its cookie or its body. */
export function issuedToken({ setCookies, body }: HttpResponse): RefreshToken | undefined {
  const cookie = setCookies.find((cookie) => isRefreshCookie(cookie.slice(0, cookie.indexOf('='))))
  const text = cookie?.slice(cookie.indexOf('=') + 1).split(';')[0] ?? textMember(body, 'refresh_token')
  return text === undefined ? undefined : readToken(text)
}

export const isRefreshCookie = (name: string) => /^(__Host-|__Secure-)?refresh_token(_[a-z0-9]{1,16})?$/.test(name)

export function readToken(text: string): RefreshToken | undefined {
  const content = parseToken('refresh', text)?.content
  return content && { text, sid: content.sid, generation: content.generation }
}
