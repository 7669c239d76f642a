import { parseToken } from '../core/refresh-token.js'
import type { Response } from './http-message.js'

/** A refresh token as the wire shows it. */
export interface HeldToken {
  readonly text: string
  readonly sid: string
  readonly generation: number
}

/** Whoever holds a session's refresh token: a browser's cookie jar, a phone's store, or a thief. */
export class Holder {
  readonly #cookies = new Map<string, string>()
  #bodyToken: string | undefined
  /** Every refresh token that was ever held, oldest first. */
  readonly held: HeldToken[] = []
  accessToken = ''

  constructor(
    readonly mode: 'cookie' | 'body',
    /** The one `Idempotency-Key` of this holder, where it sends one. */
    readonly retryKey: string | undefined
  ) {}

  /** The refresh token that would be sent now; undefined where there is none, or the service took it away. */
  get token(): HeldToken | undefined {
    const text = this.mode === 'body' ? this.#bodyToken : this.#cookies.get(this.#cookieName)
    return text === undefined ? undefined : readToken(text)
  }

  /** Another holder of the same session, with this one of its tokens: a thief, or a request that was kept. */
  copy(token: HeldToken, retryKey: string | undefined): Holder {
    const copy = new Holder(this.mode, retryKey)
    copy.#bodyToken = token.text
    copy.#cookies.set(this.#cookieName, token.text)
    copy.held.push(token)
    return copy
  }

  headers(): Record<string, string> {
    const cookies = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return {
      ...(this.mode === 'cookie' && cookies !== '' && { cookie: cookies }),
      ...(this.retryKey !== undefined && { 'idempotency-key': this.retryKey })
    }
  }

  content(): object {
    return this.mode === 'body' ? { refresh_token: this.#bodyToken } : {}
  }

  /** Keeps what an answer brings; in body mode only a token that differs from the one that was sent. */
  keep(response: Response, sent?: HeldToken): void {
    for (const cookie of response.setCookies) this.#setCookie(cookie)
    if (response.status < 300) {
      this.accessToken = memberText(response.body, 'access_token') ?? this.accessToken
      const text = memberText(response.body, 'refresh_token')
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

/** The refresh token that an answer hands out, in a cookie or the body. */
export function handedToken({ setCookies, body }: Response): HeldToken | undefined {
  const cookie = setCookies.find((cookie) => isRefreshCookie(cookie.slice(0, cookie.indexOf('='))))
  const text = cookie?.slice(cookie.indexOf('=') + 1).split(';')[0] ?? memberText(body, 'refresh_token')
  return text === undefined ? undefined : readToken(text)
}

/** A member of a JSON object, where it is text. */
export function memberText(body: unknown, name: string): string | undefined {
  const value = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined
  return typeof value === 'string' ? value : undefined
}

const isRefreshCookie = (name: string) => /^(__Host-|__Secure-)?refresh_token$/.test(name)

function readToken(text: string): HeldToken | undefined {
  const content = parseToken('refresh', text)
  return content && { text, sid: content.sid, generation: content.generation }
}
