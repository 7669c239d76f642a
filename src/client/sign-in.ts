import type { AuthClient } from './auth-client.js'
import { type Authorization, authorizedFetch } from './authorized-fetch.js'
import type { CallService, TokenResponse } from './call-service.js'
import type { Session } from './session.js'

/** The methods that create, replace and end a session. Each waits for its turn, so no refresh runs at the same time. */
export function signInMethods(
  session: Session,
  call: CallService,
  authorization: Authorization
): Pick<AuthClient, 'login' | 'register' | 'verifyEmail' | 'logout' | 'changePassword' | 'reauthenticate'> {
  const { exclusively, refreshToken } = session

  /** A new session has a new key. If the tab closes before the key is stored, the old key works too. */
  async function begin(response: Partial<TokenResponse>): Promise<void> {
    await session.accept(response)
    await session.key.renew()
  }

  /** Sends what the caller passed, and returns whether a session has begun. */
  const signIn = (path: string, body: object) =>
    exclusively(async () => {
      const replaced = await refreshToken?.read().catch(() => undefined)
      const response: Partial<TokenResponse> = await call('POST', path, { body: { ...body, mode: session.mode } })
      // Every login begins a session. A registration or a confirmed address may begin none.
      if (path !== 'login' && !response.session_id) return false
      await begin(response)
      // In the cookie modes the request carries the cookie of the old session, and the service ends that session.
      if (replaced) call('POST', 'logout', { body: { refresh_token: replaced } }).catch(() => {})
      return true
    })

  /** The service answers with a session that replaces this one. */
  const replace = (path: string, body: object) =>
    call<void>('POST', path, { body, fetch: authorizedFetch({ ...authorization, send: sendAndBegin }) })

  /** Holds the turn only during the request: a refresh that the request needs waits for a turn of its own. */
  const sendAndBegin: typeof fetch = (request) =>
    exclusively(async () => {
      const response = await authorization.send(request)
      if (response.ok) await begin((await response.clone().json()) as TokenResponse)
      return response
    })

  return {
    async login(credentials) {
      const device_token = await session.deviceToken?.read().catch(() => undefined)
      await signIn('login', { ...credentials, device_token })
    },
    register: (registration) => signIn('register', registration),
    verifyEmail: (confirmation) => signIn('email/verification/confirm', confirmation),
    changePassword: ({ currentPassword, newPassword }) =>
      replace('password', { current_password: currentPassword, new_password: newPassword }),
    reauthenticate: (proof) => replace('reauthenticate', proof),
    logout: () =>
      exclusively(async () => {
        const refresh_token = await refreshToken?.read()
        const body = refresh_token && { refresh_token }
        await call('POST', 'logout', { headers: session.bearer(), body }).catch((error) => {
          // 401: the session has ended already.
          if (error.status !== 401) throw error
        })
        await session.end('logged_out')
      })
  }
}
