import { tokenHolder } from './access-token.js'
import type { AuthClient, AuthClientOptions, Session, SignIn } from './auth-client.js'
import { AuthError, signedOutError, unreachable } from './auth-error.js'
import { authorizedFetch } from './authorized-fetch.js'
import { type Answer, type Call, callService } from './call-service.js'
import { kept, newKey, tabsStorage } from './kept.js'
import { oneAtATime } from './one-at-a-time.js'
import { isTemporary, retries } from './retries.js'
import { type Surroundings, systemSurroundings } from './surroundings.js'
import { otherTabs } from './tabs.js'
import { whoIsSignedIn } from './who-is-signed-in.js'

/** Less than half of the server's grace: a refresh that takes longer is repeated (docs/rotation.md). */
const refreshPatience = 10_000
/** A login has to wait for its password to be hashed, perhaps behind others. */
const patience = 30_000
/** Where the proof is kept that this client has signed in before, which outlives the session. */
const known = 'device_token'
/** How long the news of another tab takes, at most as a rule. */
const newsDelay = 20

/** Signs in at a Latchkey service and stays signed in. `baseURL` must be whole where there is no page. */
export function createAuthClient(
  options: AuthClientOptions = {},
  surroundings: Surroundings = systemSurroundings
): AuthClient {
  const { mode = 'cookie' } = options
  const { now, schedule, browser } = surroundings
  const send = options.fetch ?? surroundings.fetch
  const base = new URL((options.baseURL ?? '').replace(/\/*$/, '/'), browser?.address)
  const origins = [base, ...(options.origins ?? [])].map((address) => new URL(address).origin)
  const trusts = (url: string) => origins.includes(new URL(url, base).origin)
  const isRenewable = mode === 'cookie' || mode === 'body'

  const name = `latchkey.${base.host}${base.pathname}`.replace(/[^\w.]/g, '_')
  const keep = kept(options.storage ?? (mode === 'body' ? undefined : tabsStorage(browser)), `${name}.`)
  /** What tabs share is the cookie; where there is none, each has a session of its own. */
  const shared = mode === 'cookie' || mode === 'session' ? browser : undefined
  const inTurn = oneAtATime(`${name}.turn`, { ...surroundings, browser: shared })
  const tabs = otherTabs(name, shared, (news) => {
    if (!('ended' in news)) signedIn(news.sessionId, news.accessToken, news.until)
    else if (sessionId() === news.sessionId) signedOut(news.ended)
  })

  const who = whoIsSignedIn({ status: mode === 'access' ? 'signed_out' : 'unknown' })
  const { persist, pauseAfter } = retries(surroundings)
  const token = tokenHolder({
    ...surroundings,
    pauseAfter,
    refresh: isRenewable ? refresh : undefined,
    expired: () => signedOut('token_expired')
  })
  const fetchAs = authorizedFetch({ base, send, trusts, getAccessToken, byCookie: mode === 'session' })
  let refreshing: Promise<void> | undefined

  function sessionId(): string | undefined {
    return who.state.status === 'signed_in' ? who.state.sessionId : undefined
  }

  function isSignedOut(): boolean {
    return who.state.status === 'signed_out'
  }

  function signedIn(sessionId: string, accessToken: string | undefined, until: number): void {
    token.hold(accessToken === undefined ? undefined : { accessToken, until })
    who.change({ status: 'signed_in', sessionId })
  }

  function signedOut(reason?: string): void {
    token.hold(undefined)
    // Whoever was out already stays so for the reason that was given then.
    if (isSignedOut()) return
    who.change({ status: 'signed_out', ...(reason !== undefined && { reason }) })
  }

  /** The session is over for good, here and in the other tabs. */
  async function ended(reason: string): Promise<void> {
    await keep.remove('refresh_token')
    await keep.remove('key')
    const session = sessionId()
    if (session !== undefined) tabs.tell({ sessionId: session, ended: reason })
    signedOut(reason)
  }

  function call<T>(method: string, path: string, more: Partial<Call> = {}, fetch = send): Promise<T> {
    const credentials = mode === 'body' ? 'omit' : 'include'
    const request: Call = { method, url: base.href + path, credentials, patience, ...more }
    return callService({ ...surroundings, fetch }, request)
  }

  function bearer(): Call['headers'] {
    return token.held && { authorization: `Bearer ${token.held.accessToken}` }
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
    const known = await keep.get('key').catch(() => undefined)
    const key = known ?? newKey()
    if (known === undefined) await keep.set('key', key)
    return key
  }

  async function accept(answer: Partial<Answer>, sentToken?: string): Promise<void> {
    const { session_id: sessionId, expires_in: expiresIn } = answer
    const { access_token: accessToken, refresh_token: refreshToken } = answer
    if (sessionId === undefined || expiresIn === undefined) throw unreachable()
    const until = now() + expiresIn * 1000
    // One that is unchanged may arrive after a newer one.
    const isNew = refreshToken !== undefined && refreshToken !== sentToken
    if (mode === 'body' && isNew) await keep.set('refresh_token', refreshToken)
    signedIn(sessionId, accessToken, until)
    tabs.tell({ sessionId, accessToken, until })
  }

  function enter(path: string, { email, password, device }: SignIn): Promise<void> {
    return inTurn(async () => {
      const replaced = await keptToken().catch(() => undefined)
      const deviceToken = mode === 'body' && path === 'login' ? await keep.get(known).catch(() => undefined) : undefined
      const body = { email, password, device, mode, device_token: deviceToken }
      const answer = await call<Answer>('POST', path, { body })
      if (answer.device_token !== undefined) await keep.set(known, answer.device_token)
      await keep.set('key', newKey())
      await accept(answer)
      // A cookie goes along with the login, which ends its session by itself.
      if (replaced !== undefined) call('POST', 'logout', { body: { refresh_token: replaced } }).catch(() => {})
    })
  }

  async function renew(): Promise<void> {
    const before = who.state
    const sentToken = await keptToken()
    if (mode === 'body' && sentToken === undefined) return signedOut()
    try {
      const answer = await call<Answer>('POST', 'refresh', {
        headers: { 'idempotency-key': await sessionKey() },
        body: sentToken === undefined ? undefined : { refresh_token: sentToken },
        patience: refreshPatience
      })
      // An answer for somebody who has signed out or in meanwhile, in another tab, says nothing any more.
      if (who.state === before) await accept(answer, sentToken)
    } catch (error) {
      if (!(error instanceof AuthError) || who.state !== before) throw error
      // The browser has lost its cookie, or has never had one.
      if (error.code === 'missing_credentials') signedOut(sessionId() && error.code)
      const isOver = error.code === 'session_ended' || error.code === 'invalid_refresh_token'
      // Another process may have stored a newer token in the meantime.
      if (isOver && (await keptToken()) === sentToken) await ended(error.reason ?? error.code)
      throw error
    }
  }

  /** Where there is nothing to renew: asks whether the session still lives. */
  async function confirm(): Promise<void> {
    if (mode === 'access' && token.held === undefined) return
    try {
      const answer = await call<Answer>('GET', 'me', { headers: bearer() })
      who.change({ status: 'signed_in', sessionId: answer.session_id })
    } catch (error) {
      if (!(error instanceof AuthError) || error.status !== 401) throw error
      if (sessionId() === undefined) signedOut()
      else await ended(error.code)
      throw error
    }
  }

  function refresh(): Promise<void> {
    refreshing ??= refreshOnce(token.held).finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  async function refreshOnce(stale: typeof token.held): Promise<void> {
    await persist(() => {
      const asked = now()
      return inTurn(async () => {
        // Another tab may have brought a new token; the news of it may be slower than the turn.
        if (now() - asked > newsDelay) await new Promise<void>((resolve) => schedule(resolve, newsDelay))
        if (token.held === stale) await (isRenewable ? renew() : confirm())
      })
    })
    if (isSignedOut()) throw signedOutError()
  }

  async function getAccessToken(refused?: string): Promise<string | undefined> {
    token.use()
    const { held } = token
    const isGood = held !== undefined && now() < held.until && held.accessToken !== refused
    if (isGood) return held.accessToken
    if (isSignedOut() || (mode === 'session' && refused === undefined)) return undefined
    try {
      await refresh()
    } catch (error) {
      // That nobody is signed in any more is an answer, too.
      if (isTemporary(error) || !isSignedOut()) throw error
    }
    return token.held?.accessToken === refused ? undefined : token.held?.accessToken
  }

  function close(): void {
    token.close()
    tabs.close()
  }

  return {
    get state() {
      return who.state
    },
    onChange: who.onChange,
    login: (signIn) => enter('login', signIn),
    register: (signIn) => enter('register', signIn),
    logout: () =>
      inTurn(async () => {
        const refreshToken = await keptToken()
        const body = refreshToken === undefined ? undefined : { refresh_token: refreshToken }
        await call('POST', 'logout', { headers: bearer(), body }).catch((error) => {
          // Of a session whose access token has expired there is nothing left to end.
          if (error.status !== 401) throw error
        })
        await ended('logged_out')
      }),
    refresh,
    getAccessToken,
    fetch: fetchAs,
    trusts,
    sessions: async () => (await call<{ sessions: Session[] }>('GET', 'sessions', {}, fetchAs)).sessions,
    async revoke(id) {
      await call('DELETE', `sessions/${encodeURIComponent(id)}`, {}, fetchAs)
      if (id === sessionId()) await ended('revoked_by_user')
    },
    revokeOthers: async () => (await call<{ revoked: number }>('DELETE', 'sessions', {}, fetchAs)).revoked,
    close,
    async [Symbol.asyncDispose]() {
      close()
    }
  }
}
