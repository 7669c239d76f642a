import { isRefreshCookie, type RefreshToken, readToken } from '../record/refresh-token.js'
import { type HttpResponse, textMember } from '../wire/http-message.js'

/** Holds a session's refresh token: a browser's cookie jar, a phone's storage, or a thief. */
export class TokenHolder {
  readonly #cookies = new Map<string, string>()
  #bodyToken: string | undefined
  /** Every refresh token that this holder has had, oldest first. */
  readonly held: RefreshToken[] = []
  accessToken = ''

  constructor(readonly mode: 'cookie' | 'body') {}

  /** The refresh token that the next request sends; undefined if there is none, or the service cleared the cookie. */
  get token(): RefreshToken | undefined {
    const text = this.mode === 'body' ? this.#bodyToken : this.#cookies.get(this.#cookieName)
    return text === undefined ? undefined : readToken(text)
  }

  /** The refresh token `back` generations before the newest; the first one if there are fewer. */
  older(back: number): RefreshToken | undefined {
    return this.held.at(-1 - back) ?? this.held[0]
  }

  /** Another holder of the same session that has only `token`: a thief, or an old request that is sent again. */
  copy(token: RefreshToken): TokenHolder {
    const copy = new TokenHolder(this.mode)
    copy.accessToken = this.accessToken
    copy.#bodyToken = token.text
    copy.#cookies.set(this.#cookieName, token.text)
    copy.held.push(token)
    return copy
  }

  headers(): Record<string, string> {
    const cookies = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return this.mode === 'cookie' && cookies !== '' ? { cookie: cookies } : {}
  }

  content(): object {
    return this.mode === 'body' ? { refresh_token: this.#bodyToken } : {}
  }

  /** Stores the tokens of a response; in body mode a refresh token only if it differs from `sent`. */
  store(response: HttpResponse, sent?: RefreshToken): void {
    for (const cookie of response.setCookies) this.#setCookie(cookie)
    if (response.status < 300) {
      this.accessToken = textMember(response.body, 'access_token') ?? this.accessToken
      const text = textMember(response.body, 'refresh_token')
      if (text !== undefined && text !== sent?.text) this.#bodyToken = text
    }
    const { token } = this
    if (token !== undefined && token.text !== this.held.at(-1)?.text) this.held.push(token)
  }

  get #cookieName(): string {
    return [...this.#cookies.keys()].find(isRefreshCookie) ?? 'refresh_token'
  }

  #setCookie(cookie: string): void {
    const [pair = '', ...attributes] = cookie.split(';')
    const name = pair.slice(0, pair.indexOf('='))
    const value = pair.slice(pair.indexOf('=') + 1)
    if (value === '' || attributes.some((attribute) => /^ *max-age=0$/i.test(attribute))) this.#cookies.delete(name)
    else this.#cookies.set(name, value)
  }
}
