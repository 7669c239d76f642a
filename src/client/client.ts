/// <reference lib="esnext.disposable" preserve="true" />
import { AuthError, signedOutError } from './auth-error.js'
import { type Answer, callService, problemOf } from './call-service.js'
import { kept, tabsStorage } from './kept.js'
import { oneAtATime } from './one-at-a-time.js'
import type { AuthClientOptions, AuthState, Session, SignIn } from './options.js'
import { type Surroundings, systemSurroundings } from './surroundings.js'
import { otherTabs } from './tabs.js'

/** Everything here that asks the service rejects with an `AuthError` where it refuses or cannot be reached. */
export interface AuthClient extends AsyncDisposable {
  readonly state: AuthState
  /** Calls `listener` with each new state, whoever caused it, until what it gives is called. */
  onChange(listener: (state: AuthState) => void): () => void
  login(signIn: SignIn): Promise<void>
  /** Makes an account and signs in to it. */
  register(signIn: SignIn): Promise<void>
  /** Ends the session. While the service cannot be reached it goes on, and this rejects: try again. */
  logout(): Promise<void>
  /**
   * Renews the access token, with all other callers at once; in the modes that have nothing to renew it
   * asks whether the session still lives. Tries three times. Nobody is signed out by an `AuthError` that `isTemporary`.
   */
  refresh(): Promise<void>
  /**
   * An access token that is good by now, renewed where needed; undefined where nobody is signed in, and in `session` mode.
   * Hand in one that was `refused`, and it is renewed unless it has been already.
   */
  getAccessToken(refused?: string): Promise<string | undefined>
  /**
   * `fetch` as whoever is signed in. Paths are the service's: `/me`. Only the service's origin and
   * `origins` see the token; where one of them refuses it, it is renewed and the request sent once more.
   */
  readonly fetch: typeof globalThis.fetch
  /** Whether requests for `url` carry the token. */
  trusts(url: string): boolean
  /** The person's devices, newest first. */
  sessions(): Promise<readonly Session[]>
  /** Ends one of them. */
  revoke(sessionId: string): Promise<void>
  /** Ends all but this one; says how many. */
  revokeOthers(): Promise<number>
  /** Ends the timers and stops listening to other tabs. Nobody is signed out. */
  close(): void
}

interface HeldToken {
  readonly accessToken: string
  /** When it expires, in milliseconds since the epoch. */
  readonly until: number
}

/** Less than half the server's grace: a refresh that takes longer is repeated (docs/rotation.md). */
const refreshPatience = 10_000
const patience = 30_000
const attempts = 3
/** The longest that a caller waits until the service may be asked again; other callers are told to come back. */
const longestPause = 10_000
const longestBackOff = 60_000

const refusals = ['token_expired', 'invalid_token', 'session_revoked', 'missing_credentials']

/** Signs in at a Latchkey service and stays signed in. `baseURL` must be whole where there is no page. */
export function createAuthClient(
  options: AuthClientOptions = {},
  surroundings: Surroundings = systemSurroundings
): AuthClient {
  const { mode = 'cookie' } = options
  const { now, random, schedule, browser } = surroundings
  const send = options.fetch ?? surroundings.fetch
  const base = new URL((options.baseURL ?? '').replace(/\/*$/, '/'), browser?.address)
  const origins = [base.href, ...(options.origins ?? [])].map((address) => new URL(address).origin)
  const credentials = mode === 'body' ? 'omit' : 'include'
  const isRenewable = mode === 'cookie' || mode === 'body'

  const name = `latchkey.${base.host}${base.pathname}`.replace(/[^\w.]/g, '_')
  const keep = kept(options.storage ?? (mode === 'body' ? undefined : tabsStorage(browser)), `${name}.`)
  /** What tabs share is the cookie; where there is none, each has a session of its own. */
  const shared = mode === 'cookie' || mode === 'session' ? browser : undefined
  const inTurn = oneAtATime(`${name}.turn`, { ...surroundings, browser: shared })
  const tabs = otherTabs(name, shared, (news) => {
    if (!('ended' in news)) signedIn(news.sessionId, news.accessToken, news.until)
    else if (state.status === 'signed_in' && state.sessionId === news.sessionId) signedOut(news.ended)
  })

  let state: AuthState = { status: mode === 'access' ? 'signed_out' : 'unknown' }
  let held: HeldToken | undefined
  /** Whether anybody has asked for the token since it came: one that lies idle is not renewed ahead. */
  let isUsed = false
  let refreshing: Promise<void> | undefined
  let retryFrom = 0
  let lastRefusal: AuthError | undefined
  let isClosed = false
  let timerOff = () => {}
  const listeners = new Set<(state: AuthState) => void>()

  function change(next: AuthState): void {
    if (JSON.stringify(next) === JSON.stringify(state)) return
    state = next
    // Later, so that what a listener throws is not taken for a failure of ours.
    for (const listener of listeners) queueMicrotask(() => listener(next))
  }

  function signedIn(sessionId: string, accessToken: string | undefined, until: number): void {
    held = accessToken === undefined ? undefined : { accessToken, until }
    isUsed = false
    timerOff()
    if (isRenewable) renewAhead((until - now()) * (0.75 + 0.15 * random()))
    else if (mode === 'access') runOut(until - now())
    change({ status: 'signed_in', sessionId })
  }

  function signedOut(reason?: string): void {
    held = undefined
    timerOff()
    // Whoever was out already stays so for the same reason.
    if (state.status !== 'signed_out') change({ status: 'signed_out', ...(reason !== undefined && { reason }) })
  }

  /** This client ended the session, or was told that it has ended: the others need not find out by themselves. */
  async function ended(reason: string): Promise<void> {
    await keep.remove('refresh_token')
    await keep.remove('key')
    if (state.status === 'signed_in') tabs.tell({ sessionId: state.sessionId, ended: reason })
    signedOut(reason)
  }

  function runOut(milliseconds: number): void {
    if (!isClosed) timerOff = schedule(() => signedOut('token_expired'), milliseconds)
  }

  function renewAhead(milliseconds: number, failures = 0): void {
    if (isClosed) return
    timerOff = schedule(() => {
      if (!isUsed) return
      refresh().catch((error) => {
        const pause = Math.max(backOff(failures + attempts), retryFrom - now())
        if (isTemporary(error)) renewAhead(pause, failures + 1)
      })
    }, milliseconds)
  }

  function backOff(failures: number): number {
    return Math.min(500 * 2 ** failures, longestBackOff) * (0.75 + 0.5 * random())
  }

  function call<T>(method: string, path: string, more: object = {}): Promise<T> {
    return callService(
      { ...surroundings, fetch: send },
      { method, url: base.href + path, credentials, patience, ...more }
    )
  }

  /** As `call`, by whoever is signed in. */
  function callAs<T>(method: string, path: string): Promise<T> {
    const call = { method, url: base.href + path, credentials, patience } as const
    return callService({ ...surroundings, fetch: fetchAs }, call)
  }

  async function keptToken(): Promise<string | undefined> {
    if (mode !== 'body') return undefined
    try {
      return await keep.get('refresh_token')
    } catch (error) {
      throw new AuthError('The storage did not answer', { code: 'storage_error', status: 0 }, error)
    }
  }

  /** One random key for as long as the session lasts: with it a refresh whose response was lost can be finished. */
  async function sessionKey(): Promise<string> {
    const key = await keep.get('key').catch(() => undefined)
    return key ?? newKey()
  }

  async function newKey(): Promise<string> {
    const bytes = [...crypto.getRandomValues(new Uint8Array(16))]
    const key = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
    await keep.set('key', key)
    return key
  }

  async function accept(answer: Answer, sentToken?: string): Promise<void> {
    const { session_id: sessionId, access_token: accessToken, refresh_token: refreshToken } = answer
    const until = now() + answer.expires_in * 1000
    // One that is unchanged may arrive after a newer one.
    if (refreshToken !== undefined && refreshToken !== sentToken) await keep.set('refresh_token', refreshToken)
    signedIn(sessionId, accessToken, until)
    tabs.tell({ sessionId, accessToken, until })
  }

  function enter(path: string, { email, password, device }: SignIn): Promise<void> {
    return inTurn(async () => {
      const replaced = await keptToken().catch(() => undefined)
      const answer = await call<Answer>('POST', path, { body: { email, password, device, mode } })
      await newKey()
      await accept(answer)
      // A cookie goes along with the login and tells the service itself.
      if (replaced !== undefined) call('POST', 'logout', { body: { refresh_token: replaced } }).catch(() => {})
    })
  }

  /** Asks for the next access token. */
  async function renew(): Promise<void> {
    const before = state
    const sentToken = await keptToken()
    if (mode === 'body' && sentToken === undefined) return signedOut()
    try {
      const answer = await call<Answer>('POST', 'refresh', {
        headers: { 'idempotency-key': await sessionKey() },
        body: sentToken && { refresh_token: sentToken },
        patience: refreshPatience
      })
      if (state === before) await accept(answer, sentToken)
    } catch (error) {
      if (!(error instanceof AuthError) || state !== before) throw error
      if (error.code === 'missing_credentials') signedOut(before.status === 'signed_in' ? error.code : undefined)
      const isOver = error.code === 'session_ended' || error.code === 'invalid_refresh_token'
      // Another process may have stored a newer one in the meantime.
      if (isOver && (await keptToken()) === sentToken) await ended(error.reason ?? error.code)
      throw error
    }
  }

  /** Asks whether the session still lives, where there is nothing to renew. */
  async function confirm(): Promise<void> {
    if (mode === 'access' && held === undefined) return
    const headers = held && { authorization: `Bearer ${held.accessToken}` }
    try {
      const { session_id: sessionId } = await call<Answer>('GET', 'me', { headers })
      change({ status: 'signed_in', sessionId })
    } catch (error) {
      if (!(error instanceof AuthError) || error.status !== 401) throw error
      if (state.status === 'signed_in') await ended(error.code)
      else signedOut()
      throw error
    }
  }

  function refresh(): Promise<void> {
    refreshing ??= keepTrying(held).finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  async function keepTrying(stale: HeldToken | undefined): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      const wait = retryFrom - now()
      if (wait > longestPause) throw lastRefusal
      if (wait > 0) await pause(wait)
      try {
        await inTurn(async () => {
          // While this one waited for its turn, another tab may have brought a new token.
          if (held === stale) await (isRenewable ? renew() : confirm())
        })
        break
      } catch (error) {
        if (!isTemporary(error)) throw error
        lastRefusal = error
        retryFrom = now() + (error.retryAfterSeconds ?? 0) * 1000
        if (failures === attempts) throw error
        await pause(backOff(failures))
      }
    }
    if (state.status === 'signed_out') throw signedOutError()
  }

  function pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => schedule(resolve, milliseconds))
  }

  async function getAccessToken(refused?: string): Promise<string | undefined> {
    isUsed = true
    const isGood = held !== undefined && now() < held.until && held.accessToken !== refused
    const isNoUse = state.status === 'signed_out' || (mode === 'session' && refused === undefined)
    if (!isGood && !isNoUse) {
      try {
        await refresh()
      } catch (error) {
        if (isTemporary(error) || state.status !== 'signed_out') throw error
      }
    }
    return held?.accessToken === refused ? undefined : held?.accessToken
  }

  const fetchAs: typeof globalThis.fetch = async (input, init) => {
    const target = typeof input === 'string' || input instanceof URL ? new URL(input, base) : input
    const request = new Request(target, init)
    if (!trusts(request.url) || request.headers.has('authorization')) return send(request)
    const token = await getAccessToken()
    const response = await send(authorized(request.clone(), token))
    if (!(await isRefusal(response))) return response
    const newer = await getAccessToken(token ?? '')
    return newer === undefined ? response : send(authorized(request, newer))
  }

  function authorized(request: Request, token: string | undefined): Request {
    if (mode === 'session') return new Request(request, { credentials })
    if (token !== undefined) request.headers.set('authorization', `Bearer ${token}`)
    return request
  }

  function trusts(url: string): boolean {
    return origins.includes(new URL(url, base).origin)
  }

  function close(): void {
    isClosed = true
    timerOff()
    tabs.close()
  }

  return {
    get state() {
      return state
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    login: (signIn) => enter('login', signIn),
    register: (signIn) => enter('register', signIn),
    logout: () =>
      inTurn(async () => {
        const refreshToken = await keptToken()
        const headers = held && { authorization: `Bearer ${held.accessToken}` }
        const body = refreshToken && { refresh_token: refreshToken }
        await call('POST', 'logout', { headers, body }).catch((error) => {
          // With an access token that has expired there is nothing left to end.
          if (error.status !== 401) throw error
        })
        await ended('logged_out')
      }),
    refresh,
    getAccessToken,
    fetch: fetchAs,
    trusts,
    sessions: async () => (await callAs<{ sessions: Session[] }>('GET', 'sessions')).sessions,
    async revoke(sessionId) {
      await callAs('DELETE', `sessions/${sessionId}`)
      if (state.status === 'signed_in' && state.sessionId === sessionId) await ended('revoked_by_user')
    },
    revokeOthers: async () => (await callAs<{ revoked: number }>('DELETE', 'sessions')).revoked,
    close,
    async [Symbol.asyncDispose]() {
      close()
    }
  }

  function isTemporary(error: unknown): error is AuthError {
    return error instanceof AuthError && error.isTemporary
  }

  /** Whether the credential was refused; a wrong password is something else, and a lacking role is 403. */
  async function isRefusal(response: Response): Promise<boolean> {
    if (response.status !== 401) return false
    if (response.headers.get('www-authenticate')?.includes('invalid_token')) return true
    return refusals.includes(problemOf(await response.clone().text()).code ?? '')
  }
}
