import { randomUUID } from 'node:crypto'
import type { Static, TSchema } from 'typebox'
import { Parse } from 'typebox/value'
import { parseToken } from '../../../src/core/opaque-token.js'
import { TokenResponse } from '../../../src/http/schemas/sign-in.js'

export const password = 'correct horse battery staple'

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly retryAfter: string | null
}

/** A client in `body` mode. It keeps the latest tokens and one `Idempotency-Key` for its session. */
export class Device {
  accessToken = ''
  refreshToken = ''
  sessionId = ''
  readonly retryKey = randomUUID()

  constructor(public url: string) {}

  async signIn(path: '/register' | '/login' | '/auth/register', email: string, device = 'phone'): Promise<Answer> {
    return this.keep(await this.send('POST', path, { email, password, mode: 'body', device }))
  }

  /** Refreshes and keeps the new tokens. Rejects and keeps the old ones if there is no response. */
  async refresh(): Promise<Answer> {
    return this.keep(await this.send('POST', '/refresh', { refresh_token: this.refreshToken }))
  }

  /** Changes the password and keeps the tokens of the session that replaces this one. */
  async changePassword(current_password: string, new_password: string): Promise<Answer> {
    return this.keep(await this.send('POST', '/password', { current_password, new_password }))
  }

  /** Confirms the password and keeps the tokens of the session that replaces this one. */
  async reauthenticate(current: string): Promise<Answer> {
    return this.keep(await this.send('POST', '/reauthenticate', { password: current }))
  }

  /** The generation of its refresh token. */
  get generation(): number {
    const token = parseToken('refresh', this.refreshToken)
    if (token === undefined) throw new Error('This device holds no refresh token.')
    return token.content.generation
  }

  async send(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, content?: object): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        'idempotency-key': this.retryKey,
        ...(content !== undefined && { 'content-type': 'application/json' }),
        ...(this.accessToken !== '' && { authorization: `Bearer ${this.accessToken}` })
      },
      body: content === undefined ? null : JSON.stringify(content)
    })
    const text = await response.text()
    return {
      status: response.status,
      body: text === '' ? undefined : JSON.parse(text),
      retryAfter: response.headers.get('retry-after')
    }
  }

  private keep(answer: Answer): Answer {
    if (answer.status >= 300) return answer
    const { access_token, refresh_token, session_id } = read(TokenResponse, answer)
    if (access_token === undefined || refresh_token === undefined) throw new Error('A token is missing in body mode.')
    Object.assign(this, { accessToken: access_token, refreshToken: refresh_token, sessionId: session_id })
    return answer
  }
}

/** The body of an answer. Throws if it does not match `schema`. */
export function read<T extends TSchema>(schema: T, { body }: Answer): Static<T> {
  return Parse(schema, body)
}
