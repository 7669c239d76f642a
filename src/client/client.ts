import type { AuthClient, AuthClientOptions, DeviceSession } from './auth-client.js'
import { authorizedFetch } from './authorized-fetch.js'
import { serviceCaller } from './call-service.js'
import { createRenewal } from './renewal.js'
import { createRetrier } from './retries.js'
import { attempt, type Runtime, systemRuntime } from './runtime/runtime.js'
import { openSession } from './session.js'
import { signInMethods } from './sign-in.js'

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
  const send = options.fetch ?? runtime.fetch
  const base = new URL(
    (options.baseURL ?? '').replace(/\/*$/, '/'),
    attempt(() => runtime.browser?.location?.href) || undefined
  )
  const origins = [base, ...(options.origins ?? [])].map((address) => new URL(address).origin)
  const trusts = (url: string) => origins.includes(new URL(url, base).origin)
  // A session cookie and a refresh cookie are two sessions, although tabs of both modes may have one origin.
  const name = `latchkey.${base.host}${base.pathname}${mode === 'session' ? mode : ''}`.replace(/[^\w.]/g, '_')

  const call = serviceCaller({ ...runtime, fetch: send }, base, mode)
  const { retry, delayAfter } = createRetrier(runtime)
  const session = openSession({ ...options, mode, name, runtime, delayAfter, refresh: () => refresh() })
  const { refresh, getAccessToken } = createRenewal(session, call, retry, runtime)
  const { authState, isSignedOut, close } = session
  const authorization = { base, send, trusts, getAccessToken, byCookie: mode === 'session', isSignedOut }
  const fetch = authorizedFetch(authorization)

  return {
    get state() {
      return authState.state
    },
    onChange: authState.onChange,
    ...signInMethods(session, call, authorization),
    refresh,
    getAccessToken,
    fetch,
    trusts,
    sessions: async () => (await call<{ sessions: DeviceSession[] }>('GET', 'sessions', { fetch })).sessions,
    async revoke(id) {
      await call('DELETE', `sessions/${encodeURIComponent(id)}`, { fetch })
      if (id === session.id()) await session.end('revoked_by_user')
    },
    revokeOthers: async () => (await call<{ revoked: number }>('DELETE', 'sessions', { fetch })).revoked,
    forgotPassword: (body) => call('POST', 'password/forgot', { body }),
    resetPassword: ({ token, newPassword }) =>
      call('POST', 'password/reset', { body: { token, new_password: newPassword } }),
    changeEmail: ({ newEmail }) => call('POST', 'email', { body: { new_email: newEmail }, fetch }),
    close,
    [Symbol.asyncDispose]: async () => close()
  }
}
