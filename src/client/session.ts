import { holdAccessToken } from './access-token.js'
import type { AuthClientOptions, Mode } from './auth-client.js'
import { unreachable } from './auth-error.js'
import { authStateStore } from './auth-state.js'
import type { TokenResponse } from './call-service.js'
import type { Retrier } from './retries.js'
import type { Runtime } from './runtime/runtime.js'
import { openTabChannel, type SignedInMessage } from './runtime/tab-channel.js'
import { tabLock } from './runtime/tab-lock.js'
import { sessionKey } from './session-key.js'
import { browserStorage, storedText } from './storage.js'

export type Session = ReturnType<typeof openSession>

export interface SessionOptions extends AuthClientOptions {
  readonly mode: Mode
  /** Differs from the names of other sessions in the same storage or browser. */
  readonly name: string
  readonly runtime: Runtime
  readonly delayAfter: Retrier['delayAfter']
  refresh(): Promise<void>
}

/**
 * What the client holds of its session: the state and the access token in memory; the key, and in `body` mode the refresh
 * token and the device token, in storage. Sends each change to the other tabs.
 */
export function openSession({ mode, name, runtime, delayAfter, refresh, ...options }: SessionOptions) {
  const { now, browser } = runtime
  const inBody = mode === 'body'
  const isRenewable = inBody || mode === 'cookie'
  /** Tabs share the session's cookie. In the other modes each tab has a session of its own, and they share nothing. */
  const sharedBrowser = mode === 'cookie' || mode === 'session' ? browser : undefined

  const { storage = inBody ? undefined : browserStorage(browser), keyStorage = storage } = options
  const stored = (item: string) => storedText(storage, `${name}.${item}`, true)
  const refreshToken = inBody ? stored('refresh_token') : undefined
  /** Shows the service that this client has signed in before. It outlives the session. */
  const deviceToken = inBody ? stored('device_token') : undefined
  // Without a storage, `body` mode keeps the key in memory, as it keeps the token.
  const key = sessionKey(storedText(isRenewable ? keyStorage : undefined, `${name}.key`, inBody && !keyStorage))

  const authState = authStateStore({ status: mode === 'access' ? 'signed_out' : 'unknown' })
  const token = holdAccessToken({
    ...runtime,
    delayAfter,
    refresh: isRenewable ? refresh : undefined,
    onExpired: () => setSignedOut('token_expired')
  })
  const tabs = openTabChannel(name, sharedBrowser, (message) => {
    if (!('ended' in message)) setSignedIn(message)
    else if (id() === message.sessionId) setSignedOut(message.ended)
  })

  const isSignedOut = () => authState.state.status === 'signed_out'
  const id = () => (authState.state.status === 'signed_in' ? authState.state.sessionId : undefined)

  function setSignedIn({ sessionId, accessToken, until }: SignedInMessage): void {
    token.replace(accessToken, until)
    authState.set({ status: 'signed_in', sessionId })
  }

  function setSignedOut(reason?: string): void {
    token.replace()
    // Keep the first reason.
    if (isSignedOut()) return
    authState.set({ status: 'signed_out', ...(reason && { reason }) })
  }

  return {
    mode,
    isRenewable,
    exclusively: tabLock(`${name}.turn`, { ...runtime, browser: sharedBrowser }),
    authState,
    token,
    refreshToken,
    deviceToken,
    key,
    /** The headers that authorize a request. */
    bearer: () => token.current && { authorization: `Bearer ${token.current.accessToken}` },
    isSignedOut,
    /** Undefined unless somebody is signed in. */
    id,
    setSignedOut,
    /** Takes over the response to a refresh that sent `sentToken`, or to a login. */
    async accept(response: Partial<TokenResponse>, sentToken?: string): Promise<void> {
      const {
        session_id: sessionId,
        expires_in: expiresIn = 0,
        access_token: accessToken,
        refresh_token: newToken
      } = response
      if (!sessionId) throw unreachable()
      const signedIn = { sessionId, accessToken, until: now() + expiresIn * 1000 }
      if (response.device_token) await deviceToken?.write(response.device_token)
      // Do not store an unchanged refresh token: another process may have stored a newer one meanwhile.
      if (newToken && newToken !== sentToken) await refreshToken?.write(newToken)
      setSignedIn(signedIn)
      tabs.post(signedIn)
    },
    /** Forgets the session, which has ended, here and in the other tabs. With `sentKey`, removes no other key. */
    async end(ended: string, sentKey?: string): Promise<void> {
      await refreshToken?.remove()
      await key.remove(sentKey)
      const sessionId = id()
      if (sessionId) tabs.post({ sessionId, ended })
      setSignedOut(ended)
    },
    /** Stops the timers and the messages between tabs. */
    close(): void {
      token.close()
      tabs.close()
    }
  }
}
