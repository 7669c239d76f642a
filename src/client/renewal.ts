import type { AccessToken } from './access-token.js'
import { AuthError, signedOutError } from './auth-error.js'
import type { CallService, TokenResponse } from './call-service.js'
import { isTemporary, type Retrier } from './retries.js'
import { pause, type Runtime } from './runtime/runtime.js'
import type { Session } from './session.js'

/** `refreshTimeoutSeconds` of src/core/policy.ts. With a grace below 20 s see `fetch` in docs/client.md. */
const refreshTimeout = 9000
/** A message of another tab usually arrives within this time. */
const maxMessageDelay = 20
/** After a login in another tab, the browser usually has the new cookie within this time. */
const maxCookieDelay = 1000

/** Renews the access token: once for all callers, and in one tab at a time. */
export function createRenewal(session: Session, call: CallService, retry: Retrier['retry'], runtime: Runtime) {
  const { now } = runtime
  const { mode, isRenewable, isSignedOut, refreshToken, key, token, authState } = session
  let refreshing: Promise<void> | undefined

  function refresh(): Promise<void> {
    refreshing ??= refreshOnce(token.current).finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  async function refreshOnce(stale: AccessToken | undefined): Promise<void> {
    await retry(() => {
      const askedAt = now()
      return session.exclusively(async () => {
        // Another tab may have refreshed while this one waited for its turn. Its message may arrive after the turn.
        if (now() - askedAt > maxMessageDelay) await pause(runtime, maxMessageDelay)
        if (token.current === stale) await renew()
      })
    })
    if (isSignedOut()) throw signedOutError()
  }

  /** Refreshes. In the modes that have nothing to refresh, asks whether the session still lives. */
  async function renew(isRepeat?: boolean, wasAmbiguous?: boolean): Promise<void> {
    if (mode === 'access' && !token.current) return
    const before = authState.state
    const sentToken = await refreshToken?.read()
    if (refreshToken && !sentToken) return session.setSignedOut()
    const sentKey = await key.get()
    try {
      const response = await (isRenewable
        ? call<TokenResponse>('POST', 'refresh', {
            headers: sentKey && { 'idempotency-key': sentKey },
            body: sentToken && { refresh_token: sentToken },
            timeout: refreshTimeout
          })
        : call<TokenResponse>('GET', 'me', { headers: session.bearer() }))
      // Ignore the response if another tab has signed in or out meanwhile.
      if (authState.state === before && mode !== 'access') await session.accept(response, sentToken)
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      if (authState.state !== before) return
      const { code, status, reason = code, replaced } = error
      const isRefused = status === 401 && !isRenewable
      // The service has cleared the cookies that it did not make, so only the right one is left.
      if (code === 'ambiguous_credentials' && !wasAmbiguous) return renew(isRepeat, true)
      if (code === 'missing_credentials' || (isRefused && !session.id())) {
        // The browser has lost its cookie, or never had one.
        session.setSignedOut(session.id() && code)
      } else if (code === 'session_ended' || code === 'invalid_refresh_token' || isRefused) {
        const isNewest = (await refreshToken?.read()) === sentToken
        // Another tab or process may have replaced the session. Then the new cookie or token is here, or arrives soon.
        if (!isRepeat && (replaced || reason === 'replaced' || mode === 'session' || !isNewest)) {
          await pause(runtime, maxCookieDelay)
          return authState.state === before ? renew(true, wasAmbiguous) : undefined
        }
        if (isNewest) await session.end(reason, sentKey ?? '')
      }
      throw error
    }
  }

  async function getAccessToken(rejected?: string): Promise<string | undefined> {
    token.markUsed()
    const { current } = token
    if (current && now() < current.until && current.accessToken !== rejected) return current.accessToken
    if (isSignedOut() || (mode === 'session' && rejected === undefined)) return undefined
    try {
      await refresh()
    } catch (error) {
      // A refresh that finds the session ended is no failure here: there is no token.
      if (isTemporary(error) || !isSignedOut()) throw error
    }
    const renewed = token.current?.accessToken
    return renewed === rejected ? undefined : renewed
  }

  return { refresh, getAccessToken }
}
