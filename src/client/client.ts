import { type AccessToken, holdAccessToken } from './access-token.js'
import type { AuthClient, AuthClientOptions, DeviceSession, SignIn } from './auth-client.js'
import { AuthError, signedOutError, unreachable } from './auth-error.js'
import { authStateStore } from './auth-state.js'
import { authorizedFetch } from './authorized-fetch.js'
import { callService, type ServiceRequest, type TokenResponse } from './call-service.js'
import { createRetrier, isTemporary } from './retries.js'
import { type Runtime, systemRuntime } from './runtime.js'
import { browserStorage, clientStorage, createKey, sessionKey } from './storage.js'
import { openTabChannel } from './tab-channel.js'
import { tabLock } from './tab-lock.js'

/** Half of the default grace of 20 s: a slower refresh is repeated. With a shorter grace see `fetch` in docs/client.md. */
const refreshTimeout = 10_000
/** Long enough for a login whose password waits for other passwords to be hashed. */
const defaultTimeout = 30_000
/** How long the message of another tab usually takes at most. */
const maxMessageDelay = 20

/**
 * Creates a client that signs in at a Latchkey service and keeps the user signed in. Tabs of one browser share the
 * session. Throws a TypeError if `baseURL` is no absolute address and there is no page to resolve it against.
 *
 * @example
 * ```ts
 * import { createAuthClient } from 'latchkey/client'
 *
 * const auth = createAuthClient({ baseURL: 'https://auth.example.com', mode: 'body' })
 * console.log(auth.state.status) // unknown
 * await auth.register({ email: 'alan@example.com', password: 'correct horse battery staple', device: 'Laptop' })
 *
 * const response = await auth.fetch('/me')
 * const { email } = await response.json()
 * console.log(auth.state.status, email) // signed_in alan@example.com
 * await auth.logout()
 * if (auth.state.status === 'signed_out') console.log(auth.state.reason) // logged_out
 * ```
 */
export function createAuthClient(options: AuthClientOptions = {}, runtime: Runtime = systemRuntime): AuthClient {
  const { mode = 'cookie' } = options
  const { now, schedule, browser } = runtime
  const send = options.fetch ?? runtime.fetch
  const base = new URL((options.baseURL ?? '').replace(/\/*$/, '/'), browser?.address)
  const origins = [base, ...(options.origins ?? [])].map((address) => new URL(address).origin)
  const trusts = (url: string) => origins.includes(new URL(url, base).origin)
  const isRenewable = mode === 'cookie' || mode === 'body'

  const name = `latchkey.${base.host}${base.pathname}`.replace(/[^\w.]/g, '_')
  const storage = clientStorage(options.storage ?? (mode === 'body' ? undefined : browserStorage(browser)), `${name}.`)
  /** Tabs share the session's cookie. In the other modes each tab has a session of its own, and they share nothing. */
  const sharedBrowser = mode === 'cookie' || mode === 'session' ? browser : undefined
  const exclusively = tabLock(`${name}.turn`, { ...runtime, browser: sharedBrowser })
  const tabs = openTabChannel(name, sharedBrowser, (message) => {
    if (!('ended' in message)) setSignedIn(message.sessionId, message.accessToken, message.until)
    else if (sessionId() === message.sessionId) setSignedOut(message.ended)
  })

  const authState = authStateStore({ status: mode === 'access' ? 'signed_out' : 'unknown' })
  const { retry, delayAfter } = createRetrier(runtime)
  const token = holdAccessToken({
    ...runtime,
    delayAfter,
    refresh: isRenewable ? refresh : undefined,
    onExpired: () => setSignedOut('token_expired')
  })
  const fetchAuthorized = authorizedFetch({ base, send, trusts, getAccessToken, byCookie: mode === 'session' })
  let refreshing: Promise<void> | undefined

  const isSignedOut = () => authState.state.status === 'signed_out'
  const sessionId = () => (authState.state.status === 'signed_in' ? authState.state.sessionId : undefined)

  function setSignedIn(sessionId: string, accessToken: string | undefined, expiresAt: number): void {
    token.replace(accessToken === undefined ? undefined : { accessToken, expiresAt })
    authState.set({ status: 'signed_in', sessionId })
  }

  function setSignedOut(reason?: string): void {
    token.replace(undefined)
    // The first reason stays.
    if (isSignedOut()) return
    authState.set({ status: 'signed_out', ...(reason !== undefined && { reason }) })
  }

  /** The session has ended: forgets it here and in the other tabs. */
  async function forgetSession(reason: string): Promise<void> {
    await storage.remove('refresh_token')
    await storage.remove('key')
    const session = sessionId()
    if (session !== undefined) tabs.post({ sessionId: session, ended: reason })
    setSignedOut(reason)
  }

  function call<T>(method: string, path: string, more: Partial<ServiceRequest> = {}, fetch = send): Promise<T> {
    const credentials = mode === 'body' ? 'omit' : 'include'
    const url = base.href + path
    return callService(
      { ...runtime, fetch },
      { method, url, credentials, timeoutMilliseconds: defaultTimeout, ...more }
    )
  }

  function bearer(): ServiceRequest['headers'] {
    return token.current && { authorization: `Bearer ${token.current.accessToken}` }
  }

  async function storedRefreshToken(): Promise<string | undefined> {
    if (mode !== 'body') return undefined
    try {
      return await storage.get('refresh_token')
    } catch (error) {
      throw new AuthError('The storage could not be read', { code: 'storage_error', status: 0 }, error)
    }
  }

  async function accept(response: Partial<TokenResponse>, sentToken?: string): Promise<void> {
    const { session_id: sessionId, expires_in: expiresIn } = response
    const { access_token: accessToken, refresh_token: refreshToken } = response
    if (sessionId === undefined || expiresIn === undefined) throw unreachable()
    const until = now() + expiresIn * 1000
    // Do not store an unchanged refresh token: another process may have stored a newer one meanwhile.
    const isNew = refreshToken !== undefined && refreshToken !== sentToken
    if (mode === 'body' && isNew) await storage.set('refresh_token', refreshToken)
    setSignedIn(sessionId, accessToken, until)
    tabs.post({ sessionId, accessToken, until })
  }

  function signIn(path: 'login' | 'register', { email, password, device }: SignIn): Promise<void> {
    return exclusively(async () => {
      const replaced = await storedRefreshToken().catch(() => undefined)
      // Proves to the service that this client has signed in before. It outlives the session.
      const sendsDeviceToken = mode === 'body' && path === 'login'
      const deviceToken = sendsDeviceToken ? await storage.get('device_token').catch(() => undefined) : undefined
      const body = { email, password, device, mode, device_token: deviceToken }
      const response = await call<TokenResponse>('POST', path, { body })
      if (response.device_token !== undefined) await storage.set('device_token', response.device_token)
      await storage.set('key', createKey())
      await accept(response)
      // In the cookie modes the login carries the cookie of the old session, and the service ends that session.
      if (replaced !== undefined) call('POST', 'logout', { body: { refresh_token: replaced } }).catch(() => {})
    })
  }

  async function renew(): Promise<void> {
    const before = authState.state
    const sentToken = await storedRefreshToken()
    if (mode === 'body' && sentToken === undefined) return setSignedOut()
    try {
      const response = await call<TokenResponse>('POST', 'refresh', {
        headers: { 'idempotency-key': await sessionKey(storage) },
        body: sentToken === undefined ? undefined : { refresh_token: sentToken },
        timeoutMilliseconds: refreshTimeout
      })
      // Ignore the response if another tab has signed in or out meanwhile.
      if (authState.state === before) await accept(response, sentToken)
    } catch (error) {
      if (!(error instanceof AuthError) || authState.state !== before) throw error
      // The browser has lost its cookie, or never had one.
      if (error.code === 'missing_credentials') setSignedOut(sessionId() && error.code)
      const hasEnded = error.code === 'session_ended' || error.code === 'invalid_refresh_token'
      // Another process may have stored a newer token meanwhile.
      if (hasEnded && (await storedRefreshToken()) === sentToken) await forgetSession(error.reason ?? error.code)
      throw error
    }
  }

  /** In the modes that have nothing to renew: asks the service whether the session still lives. */
  async function confirm(): Promise<void> {
    if (mode === 'access' && token.current === undefined) return
    try {
      const response = await call<TokenResponse>('GET', 'me', { headers: bearer() })
      authState.set({ status: 'signed_in', sessionId: response.session_id })
    } catch (error) {
      if (!(error instanceof AuthError) || error.status !== 401) throw error
      if (sessionId() === undefined) setSignedOut()
      else await forgetSession(error.code)
      throw error
    }
  }

  function refresh(): Promise<void> {
    refreshing ??= refreshOnce(token.current).finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  async function refreshOnce(stale: AccessToken | undefined): Promise<void> {
    await retry(() => {
      const askedAt = now()
      return exclusively(async () => {
        // Another tab may have refreshed while this one waited for the lock. Its message may arrive after the lock.
        const hasWaited = now() - askedAt > maxMessageDelay
        if (hasWaited) await new Promise<void>((resolve) => schedule(resolve, maxMessageDelay))
        if (token.current === stale) await (isRenewable ? renew() : confirm())
      })
    })
    if (isSignedOut()) throw signedOutError()
  }

  async function getAccessToken(rejected?: string): Promise<string | undefined> {
    token.markUsed()
    const { current } = token
    const isGood = current !== undefined && now() < current.expiresAt && current.accessToken !== rejected
    if (isGood) return current.accessToken
    if (isSignedOut() || (mode === 'session' && rejected === undefined)) return undefined
    try {
      await refresh()
    } catch (error) {
      // A refresh that finds the session ended is no failure here: there is no token.
      if (isTemporary(error) || !isSignedOut()) throw error
    }
    return token.current?.accessToken === rejected ? undefined : token.current?.accessToken
  }

  function close(): void {
    token.close()
    tabs.close()
  }

  return {
    get state() {
      return authState.state
    },
    onChange: authState.onChange,
    login: (credentials) => signIn('login', credentials),
    register: (credentials) => signIn('register', credentials),
    logout: () =>
      exclusively(async () => {
        const refreshToken = await storedRefreshToken()
        const body = refreshToken === undefined ? undefined : { refresh_token: refreshToken }
        await call('POST', 'logout', { headers: bearer(), body }).catch((error) => {
          // 401: the session has ended already.
          if (error.status !== 401) throw error
        })
        await forgetSession('logged_out')
      }),
    refresh,
    getAccessToken,
    fetch: fetchAuthorized,
    trusts,
    sessions: async () => (await call<{ sessions: DeviceSession[] }>('GET', 'sessions', {}, fetchAuthorized)).sessions,
    async revoke(id) {
      await call('DELETE', `sessions/${encodeURIComponent(id)}`, {}, fetchAuthorized)
      if (id === sessionId()) await forgetSession('revoked_by_user')
    },
    revokeOthers: async () => (await call<{ revoked: number }>('DELETE', 'sessions', {}, fetchAuthorized)).revoked,
    close,
    [Symbol.asyncDispose]: async () => close()
  }
}
