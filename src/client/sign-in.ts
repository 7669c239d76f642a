import type { AuthClient, SignIn } from './auth-client.js'
import { type Authorization, authorizedFetch } from './authorized-fetch.js'
import type { CallService, TokenResponse } from './call-service.js'
import type { Session } from './session.js'

/** The methods that create, replace and end a session. Each waits for its turn, so no refresh runs at the same time. */
export function signInMethods(
  session: Session,
  call: CallService,
  authorization: Authorization
): Pick<AuthClient, 'login' | 'register' | 'logout' | 'changePassword' | 'reauthenticate'> {
  const { exclusively, refreshToken, deviceToken, key } = session

  /** A new session has a new key. If the tab closes before the key is stored, the old key works too. */
  async function begin(response: Partial<TokenResponse>): Promise<void> {
    await session.accept(response)
    await key.renew()
  }

  const signIn = (path: 'login' | 'register', { email, password, device }: SignIn) =>
    exclusively(async () => {
      const replaced = await refreshToken?.read().catch(() => undefined)
      const known = path === 'login' ? deviceToken : undefined
      const device_token = await known?.read().catch(() => undefined)
      await begin(await call('POST', path, { body: { email, password, device, mode: session.mode, device_token } }))
      // In the cookie modes the login carries the cookie of the old session, and the service ends that session.
      if (replaced) call('POST', 'logout', { body: { refresh_token: replaced } }).catch(() => {})
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
    login: (credentials) => signIn('login', credentials),
    register: (credentials) => signIn('register', credentials),
    changePassword: ({ currentPassword, newPassword }) =>
      replace('password', { current_password: currentPassword, new_password: newPassword }),
    reauthenticate: ({ password }) => replace('reauthenticate', { password }),
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
