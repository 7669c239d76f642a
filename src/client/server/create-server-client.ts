import { AuthError, signedOutError } from '../auth-error.js'
import type { TokenResponse } from '../call-service.js'
import { createRetrier } from '../retries.js'
import { type Runtime, systemRuntime } from '../runtime/runtime.js'
import { heldToken } from './access-answer.js'
import { comesFromElsewhere, headerOf, isForeign } from './browser-headers.js'
import { afterwards, keyCookieName, readCookies, type SessionCookies, withKeyCookie } from './cookies.js'
import { type HeldToken, holdTokens, nameOf } from './held-tokens.js'
import { callerOnBehalf } from './on-behalf-of.js'
import { passOnTo } from './pass-on.js'
import { jsonResponse, problemResponse, refusal } from './responses.js'
import type { Authentication, BrowserRequest, ServerClient, ServerClientOptions } from './server-client.js'

/** For all attempts of a refresh together: below half of the default `REFRESH_GRACE_SECONDS` (docs/rotation.md). */
const refreshTimeout = 9000

/**
 * Creates the client of a server that renders pages. It refreshes for its pages, so these call the server and never
 * Latchkey's `/refresh`. Throws a TypeError if the site and Latchkey do not share a host.
 *
 * @example
 * ```ts
 * import { createServerClient } from 'latchkey/client/server'
 *
 * const latchkey = createServerClient({ baseURL: 'https://auth.example.com', origin: 'https://auth.example.com' })
 * const stranger = await latchkey.authenticate({ headers: {} })
 * console.log(stranger.status) // signed_out
 *
 * const person = { email: 'joan@example.com', password: 'correct horse battery staple' }
 * const registered = await latchkey.answer({ headers: {} }, 'register', person)
 * const cookie = registered.headers.getSetCookie().map((header) => header.split(';')[0]).join('; ')
 *
 * const { status, auth, setCookies } = await latchkey.authenticate({ headers: { cookie } })
 * console.log(status, auth?.roles, setCookies.length) // signed_in [] 0
 * ```
 */
export function createServerClient(options: ServerClientOptions, runtime: Runtime = systemRuntime): ServerClient {
  const { base, publicOrigin, origin, keyName } = checkAddresses(options)
  const { now } = runtime
  const onBehalfOf = callerOnBehalf({ ...runtime, fetch: options.fetch ?? runtime.fetch }, base, publicOrigin)
  const tokens = holdTokens()
  const cookiesOf = (request: BrowserRequest) => readCookies(headerOf(request, 'cookie') ?? '', keyName)

  async function authenticate(request: BrowserRequest, rejected?: string): Promise<Authentication> {
    const cookies = cookiesOf(request)
    if (cookies.refreshTokens.size === 0) {
      return { status: comesFromElsewhere(request) ? 'unknown' : 'signed_out', auth: null, setCookies: [] }
    }
    const name = await nameOf(cookies)
    const held = tokens.get(name)
    const isUsable = held && held.accessToken !== rejected && now() < held.renewAt && (await isAccepted(held))
    return isUsable ? signedIn(held, []) : tokens.once(name, () => refresh(request, cookies, name))
  }

  const isAccepted = async ({ accessToken }: HeldToken) =>
    options.verifier === undefined || (await options.verifier.verify(accessToken)).ok

  async function refresh(request: BrowserRequest, cookies: SessionCookies, name: string): Promise<Authentication> {
    const { answered, post } = onBehalfOf(request, cookies)
    const { key } = cookies
    const setCookies = () => withKeyCookie(answered.setCookies, keyName, key)
    const deadline = now() + refreshTimeout
    let response: Partial<TokenResponse> = {}
    try {
      await createRetrier(runtime).retry(async () => {
        // Half of what is left, so that there is time for another attempt.
        const timeout = (deadline - now()) / 2
        response = await post('refresh', { headers: key && { 'idempotency-key': key }, timeout })
      })
      const held = heldToken(response, now())
      tokens.replace(name, await nameOf(afterwards(cookies, answered.setCookies)), held)
      return signedIn(held, setCookies())
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      const status = isEnd(error) ? 'signed_out' : 'unknown'
      if (status === 'signed_out') tokens.forget(name)
      return { status, auth: null, error, setCookies: setCookies() }
    }
  }

  async function answerRefresh(request: BrowserRequest): Promise<Response> {
    const rejected = headerOf(request, 'authorization')?.replace(/^bearer +/i, '')
    const result = await authenticate(request, rejected)
    if (result.status !== 'signed_in') return problemResponse(result.error ?? signedOutError(), result.setCookies)
    const { auth, accessToken, until, setCookies } = result
    const body = {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: Math.ceil((until - now()) / 1000),
      session_id: auth.sessionId
    }
    return jsonResponse(200, body, setCookies)
  }

  const passOn = passOnTo({ authenticate, cookiesOf, onBehalfOf, tokens, keyName, now })

  return {
    authenticate,
    async answer(request, path, body) {
      if (isForeign(request, origin)) {
        return refusal(403, 'forbidden_origin', 'Requests with cookies are not accepted from this origin')
      }
      return path === 'refresh' ? answerRefresh(request) : passOn(request, path, body)
    }
  }
}

function signedIn({ auth, accessToken, until }: HeldToken, setCookies: readonly string[]): Authentication {
  return { status: 'signed_in', auth, accessToken, until, setCookies }
}

/**
 * Whether the browser's session is over, or it has none. After a login in the same browser (`replaced`) the browser has the
 * cookie of a newer session by now.
 */
function isEnd({ code, reason, replaced }: AuthError): boolean {
  if (code === 'session_ended') return reason !== 'replaced' && !replaced
  return code === 'invalid_refresh_token' || code === 'missing_credentials'
}

/** `__Host-` keeps Latchkey's cookies to one host, so the site can pass them on only if it has the same host. */
function checkAddresses({ baseURL, origin, internalURL = baseURL }: ServerClientOptions) {
  const latchkey = new URL(baseURL)
  const site = new URL(origin)
  if (site.origin !== origin) throw new TypeError(`origin must be like https://example.com, and is ${origin}`)
  if (latchkey.hostname !== site.hostname) {
    throw new TypeError(
      `The site (${site.hostname}) and Latchkey (${latchkey.hostname}) must share a host, because browsers keep the session's cookie to one host. Serve Latchkey at ${site.hostname}, under a path or on another port.`
    )
  }
  return {
    base: new URL(internalURL.replace(/\/*$/, '/')),
    publicOrigin: latchkey.origin,
    origin,
    keyName: keyCookieName(latchkey)
  }
}
