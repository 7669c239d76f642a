import { AuthError, createAuthClient } from '../../client/index.js'
import type { Problem } from '../../http/schemas/problem.js'
import { baseURL } from './base-url.js'
import { ask } from './dialog.js'
import type { Me } from './responses.js'
import { say } from './words/language.js'

export const client = createAuthClient({ baseURL, mode: 'cookie' })

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** Sends a request as the signed-in user and returns the body of the response. Throws `AuthError`, as the client does. */
export function request<T = void>(method: Method, path: string, body?: object): Promise<T> {
  return withRecentLogin(() => send<T>(method, path, body))
}

/** Runs `action`. If the service wants a recent login for it (RFC 9470), asks for the password and runs it again. */
export async function withRecentLogin<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (!hasCode(error, 'insufficient_user_authentication')) throw error
    if (!hasPassword) throw new AuthError(say('sign_in_again'), { code: 'sign_in_again', status: 401 })
    if (!(await confirmPassword())) throw error
    return action()
  }
}

let hasPassword = true

/** Remembers whether the user has a password. Without one, the page cannot ask for it. */
export function setUser(me: Pick<Me, 'has_password'>): void {
  hasPassword = me.has_password
}

/** Whether the user has a password, as far as the page knows. */
export const userHasPassword = (): boolean => hasPassword

/** Asks until the user confirms the password (true) or cancels (false). */
async function confirmPassword(): Promise<boolean> {
  for (let fault = ''; ; fault = say('password_wrong')) {
    const answer = await ask({
      title: say('confirm_title'),
      text: say('confirm_text'),
      confirm: say('continue'),
      field: { ...passwordField(), fault }
    })
    if (answer === undefined) return false
    try {
      await client.reauthenticate({ password: answer.value })
      return true
    } catch (error) {
      if (!hasCode(error, 'invalid_credentials')) throw error
    }
  }
}

/** The field of a dialog for the user's password. */
export const passwordField = () =>
  ({ label: say('your_password'), type: 'password', maxLength: 1024, required: true }) as const

async function send<T>(method: Method, path: string, body?: object): Promise<T> {
  const response = await client.fetch(path, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  })
  if (!response.ok) throw await refusal(response)
  return (response.status === 204 ? undefined : await response.json()) as T
}

async function refusal(response: Response): Promise<AuthError> {
  const { code = '', title = '', detail = title, errors }: Partial<Problem> = await response.json().catch(() => ({}))
  const retryAfter = response.headers.get('retry-after')
  return new AuthError(detail, {
    code,
    status: response.status,
    errors,
    retryAfterSeconds: retryAfter === null ? undefined : Number(retryAfter)
  })
}

/** Whether the service refused a request with one of these codes of docs/errors.md. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof AuthError && codes.includes(error.code)
}
