import { AuthError, signedOutError } from '../auth-error.js'
import type { TokenResponse } from '../call-service.js'
import type { Runtime } from '../runtime/runtime.js'
import { createKey } from '../session-key.js'
import { heldToken } from './access-answer.js'
import { afterwards, type SessionCookies, withKeyCookie } from './cookies.js'
import { type KnownSessions, nameOf } from './known-sessions.js'
import type { OnBehalfOf } from './on-behalf-of.js'
import { jsonResponse, problemResponse, refusal } from './responses.js'
import type { Authentication, BrowserRequest } from './server-client.js'

/** The routes that begin, replace or end a session. */
const routes = new Set(['login', 'register', 'email/verification/confirm', 'password', 'reauthenticate', 'logout'])
/** Those of a signed-in person, which take the access token. */
const guarded = new Set(['password', 'reauthenticate'])

/** Refusals of an access token after which a newer one may be accepted, for example after a change of roles. */
const refusals = new Set(['token_expired', 'invalid_token', 'session_revoked'])

/** `authenticate` of the client. `cookies` are those of the request by default. */
export type AuthenticateCookies = (
  request: BrowserRequest,
  rejected?: string,
  cookies?: SessionCookies
) => Promise<Authentication>

export interface PassOnOptions {
  readonly authenticate: AuthenticateCookies
  readonly cookiesOf: (request: BrowserRequest) => SessionCookies
  readonly onBehalfOf: OnBehalfOf
  readonly sessions: KnownSessions
  readonly keyName: string
  readonly now: Runtime['now']
}

/** Passes a request of a page on to Latchkey, and the answer back. A session that begins gets its key here. */
export function passOnTo({ authenticate, cookiesOf, onBehalfOf, sessions, keyName, now }: PassOnOptions) {
  return async (request: BrowserRequest, path: string, sent: unknown): Promise<Response> => {
    if (!routes.has(path)) return refusal(404, 'not_found', 'There is no such thing')
    return passOn(request, path, sent, cookiesOf(request), [])
  }

  /** `earlier` has the first result of `authenticate`, if Latchkey has refused its access token. */
  async function passOn(
    request: BrowserRequest,
    path: string,
    sent: unknown,
    before: SessionCookies,
    earlier: readonly Authentication[]
  ): Promise<Response> {
    const current = guarded.has(path) ? await authenticate(request, earlier[0]?.accessToken, before) : undefined
    const all = current ? [...earlier, current] : earlier
    const refreshed = () => all.flatMap(({ setCookies }) => setCookies)
    if (current && current.status !== 'signed_in') {
      return problemResponse(current.error ?? signedOutError(), refreshed())
    }
    const cookies = afterwards(before, current?.setCookies ?? [])
    const name = cookies.refreshTokens.length > 0 ? await nameOf(cookies) : undefined
    const { answered, post } = onBehalfOf(request, cookies)
    try {
      const response = await post<Partial<TokenResponse>>(path, {
        headers: current && { authorization: `Bearer ${current.accessToken}` },
        body: bodyFor(path, sent)
      })
      const begins = response.session_id !== undefined
      if (name && (begins || path === 'logout')) sessions.end(name, endedBy(begins ? 'replaced' : 'logged_out'))
      const key = begins ? createKey() : cookies.key
      if (begins) {
        const token = heldToken(response, now())
        sessions.begin(await nameOf({ ...afterwards(cookies, answered.setCookies), key }), token)
      }
      const setCookies = withKeyCookie(answered.setCookies, keyName, key)
      return jsonResponse(answered.status, answered.status === 204 ? undefined : response, setCookies)
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      if (current && earlier.length === 0 && refusals.has(error.code)) return passOn(request, path, sent, cookies, all)
      // The request may have ended the session although its answer is lost.
      if (name && error.isTemporary) sessions.forget(name)
      return problemResponse(error, [...refreshed(), ...withKeyCookie(answered.setCookies, keyName, cookies.key)])
    }
  }
}

function endedBy(reason: 'replaced' | 'logged_out'): AuthError {
  return new AuthError('The session has ended', { code: 'session_ended', status: 401, reason })
}

function bodyFor(path: string, sent: unknown): object {
  const body = typeof sent === 'object' ? { ...sent } : {}
  // The page may name any mode, and only the cookie reaches this server.
  if (path === 'logout') return {}
  return guarded.has(path) ? body : { ...body, mode: 'cookie' }
}
