import { AuthError, signedOutError } from '../auth-error.js'
import type { TokenResponse } from '../call-service.js'
import type { Runtime } from '../runtime/runtime.js'
import { createKey } from '../session-key.js'
import { heldToken } from './access-answer.js'
import { afterwards, type SessionCookies, withKeyCookie } from './cookies.js'
import { type HeldTokens, nameOf } from './held-tokens.js'
import type { OnBehalfOf } from './on-behalf-of.js'
import { jsonResponse, problemResponse, refusal } from './responses.js'
import type { BrowserRequest, ServerClient } from './server-client.js'

/** The routes that begin, replace or end a session. */
const routes = new Set(['login', 'register', 'email/verification/confirm', 'password', 'reauthenticate', 'logout'])
/** Those of a signed-in person, which take the access token. */
const guarded = new Set(['password', 'reauthenticate'])

export interface PassOnOptions {
  readonly authenticate: ServerClient['authenticate']
  readonly cookiesOf: (request: BrowserRequest) => SessionCookies
  readonly onBehalfOf: OnBehalfOf
  readonly tokens: HeldTokens
  readonly keyName: string
  readonly now: Runtime['now']
}

/** Passes a request of a page on to Latchkey, and the answer back. A session that begins gets its key here. */
export function passOnTo({ authenticate, cookiesOf, onBehalfOf, tokens, keyName, now }: PassOnOptions) {
  return async (request: BrowserRequest, path: string, sent: unknown): Promise<Response> => {
    if (!routes.has(path)) return refusal(404, 'not_found', 'There is no such thing')
    const before = guarded.has(path) ? await authenticate(request) : undefined
    const earlier = before?.setCookies ?? []
    if (before && before.status !== 'signed_in') return problemResponse(before.error ?? signedOutError(), earlier)

    const cookies = afterwards(cookiesOf(request), earlier)
    const { answered, post } = onBehalfOf(request, cookies)
    try {
      const response = await post<Partial<TokenResponse>>(path, {
        headers: before && { authorization: `Bearer ${before.accessToken}` },
        body: bodyFor(path, sent)
      })
      const begins = response.session_id !== undefined
      const key = begins ? createKey() : cookies.key
      const name = await nameOf(cookies)
      if (begins) {
        const held = heldToken(response, now())
        tokens.replace(name, await nameOf({ ...afterwards(cookies, answered.setCookies), key }), held)
      } else if (path === 'logout') tokens.forget(name)
      const setCookies = withKeyCookie(answered.setCookies, keyName, key)
      return jsonResponse(answered.status, answered.status === 204 ? undefined : response, setCookies)
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      return problemResponse(error, [...earlier, ...withKeyCookie(answered.setCookies, keyName, cookies.key)])
    }
  }
}

function bodyFor(path: string, sent: unknown): object {
  const body = typeof sent === 'object' ? { ...sent } : {}
  // The page may name any mode, and only the cookie reaches this server.
  if (path === 'logout') return {}
  return guarded.has(path) ? body : { ...body, mode: 'cookie' }
}
