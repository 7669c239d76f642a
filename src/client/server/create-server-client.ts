import { AuthError, signedOutError, unreachable } from '../auth-error.js'
import type { TokenResponse } from '../call-service.js'
import { createRetrier } from '../retries.js'
import { type Runtime, systemRuntime } from '../runtime/runtime.js'
import { heldToken } from './access-answer.js'
import { comesFromElsewhere, hasForeignOrigin, headerOf, isForeign } from './browser-headers.js'
import { afterwards, keyCookieName, readCookies, type SessionCookies, withKeyCookie } from './cookies.js'
import { type Ending, type HeldToken, knowSessions, nameOf } from './known-sessions.js'
import { callerOnBehalf } from './on-behalf-of.js'
import { type AuthenticateCookies, passOnTo } from './pass-on.js'
import { jsonResponse, problemResponse, refusal } from './responses.js'
import { signedIn, signedOut, unknown } from './results.js'
import type { Authentication, BrowserRequest, ServerClient, ServerClientOptions } from './server-client.js'

/** For all attempts of a refresh together: below half of the default `REFRESH_GRACE_SECONDS` (docs/rotation.md). */
const refreshTimeout = 9000
/** A refresh that has less time left than this many milliseconds is not tried again. */
const shortestAttempt = 500
/**
 * How long a browser may go on to send the cookie of a replaced session, in milliseconds. If it sends that cookie later, it
 * has not kept the newer one.
 */
const maxLateness = 10_000
const notAccepted = 'Requests with cookies are not accepted from this origin'
const foreignOrigin = () => new AuthError(notAccepted, { code: 'forbidden_origin', status: 403 })
/** If an API has rejected another token, one that arrived within this time is not renewed. */
const newTokenAge = 5000

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
  const sessions = knowSessions(now)
  const cookiesOf = (request: BrowserRequest) => readCookies(headerOf(request, 'cookie') ?? '', keyName)

  const authenticate: AuthenticateCookies = async (request, rejected, cookies = cookiesOf(request)) => {
    if (hasForeignOrigin(request, origin)) return unknown(foreignOrigin(), none)
    if (cookies.refreshTokens.length === 0) {
      return comesFromElsewhere(request) ? unknown(undefined, none) : signedOut(undefined, none)
    }
    const name = await nameOf(cookies)
    const held = sessions.tokenOf(name)
    if (held && now() < held.renewAt && !isRejected(held, rejected)) {
      const { ok, status } = (await options.verifier?.verify(held.accessToken)) ?? { ok: true }
      // If the verifier is not ready, a refresh does not help, and the pages of all people would need one.
      if (!ok && status === 503) return unknown(unreachable(), none)
      // A logout may have come while the verifier answered.
      const current = sessions.tokenOf(name)
      if (ok && current) return signedIn(current, none)
    }
    return sessions.once(name, () => refresh(request, cookies, name))
  }

  /** The rejected token may be of another process, and this one's as old. */
  const isRejected = ({ accessToken, since }: HeldToken, rejected?: string) =>
    Boolean(rejected) && (accessToken === rejected || now() - since > newTokenAge)

  async function refresh(request: BrowserRequest, cookies: SessionCookies, name: string): Promise<Authentication> {
    const { answered, post } = onBehalfOf(request, cookies)
    const askedAt = now()
    const timeLeft = () => askedAt + refreshTimeout - now()
    const setCookies = () => withKeyCookie(answered.setCookies, keyName, cookies.key)
    try {
      const { key } = cookies
      let response: Partial<TokenResponse> = {}
      await createRetrier(runtime, () => timeLeft() - shortestAttempt).retry(async () => {
        // Half of what is left, so that there is time for another attempt.
        response = await post('refresh', { headers: key && { 'idempotency-key': key }, timeout: timeLeft() / 2 })
      })
      const token = heldToken(response, now())
      // Without the claims of the host, Latchkey gives a token that is expired.
      if (token.expiresAt <= now()) throw unreachable()
      const newName = await nameOf(afterwards(cookies, answered.setCookies))
      const session = sessions.renew(name, newName, token, askedAt)
      if (session.ending !== undefined) return ended(session.ending, none)
      return signedIn(token, () => (session.ending === undefined ? setCookies() : []))
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      const before = sessions.named(name).ending
      if (before !== undefined && before.since >= askedAt) return ended(before, none)
      const unlessEndedAgain = (ending: Ending | undefined) => () =>
        sessions.named(name).ending === ending ? setCookies() : []
      if (!isEnd(error)) return unknown(error, unlessEndedAgain(before))
      const { ending } = sessions.end(name, error)
      // Latchkey leaves the cookie of a replaced session alone, and a logout clears it.
      if (isStuck(ending)) await post('logout', { body: {}, timeout: refreshTimeout / 2 }).catch(() => undefined)
      return ended(ending, unlessEndedAgain(ending))
    }
  }

  /** Whether the browser goes on to send the cookie of a session that was replaced. */
  const isStuck = ({ error, since }: Ending) => isReplaced(error) && now() - since >= maxLateness

  function ended(ending: Ending, setCookies: () => readonly string[]): Authentication {
    const { error } = ending
    return isReplaced(error) && !isStuck(ending) ? unknown(error, setCookies) : signedOut(error, setCookies)
  }

  async function answerRefresh(request: BrowserRequest): Promise<Response> {
    const rejected = headerOf(request, 'authorization')?.replace(/^bearer +/i, '')
    const result = await authenticate(request, rejected)
    if (result.status !== 'signed_in') return problemResponse(result.error ?? signedOutError(), result.setCookies)
    const { auth, accessToken, expiresAt } = result
    const body = {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: Math.ceil((expiresAt - now()) / 1000),
      session_id: auth.sessionId
    }
    return jsonResponse(200, body, result.setCookies)
  }

  const passOn = passOnTo({ authenticate, cookiesOf, onBehalfOf, sessions, keyName, now })

  return {
    authenticate: (request, rejected) => authenticate(request, rejected),
    async answer(request, path, body) {
      if (isForeign(request, origin)) {
        return refusal(403, 'forbidden_origin', notAccepted)
      }
      return path === 'refresh' ? answerRefresh(request) : passOn(request, path, body)
    }
  }
}

const none = () => []

/** Whether the request's session is over, or it has none. */
function isEnd({ code }: AuthError): boolean {
  return code === 'session_ended' || code === 'invalid_refresh_token' || code === 'missing_credentials'
}

/** Whether a newer session of the same browser has replaced it. Usually the browser has the newer cookie by now. */
function isReplaced({ reason, replaced }: AuthError): boolean {
  return reason === 'replaced' || replaced === true
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
