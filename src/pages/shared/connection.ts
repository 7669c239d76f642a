import { AuthError, createAuthClient } from '../../client/index.js'
import type { Problem } from '../../http/schemas/problem.js'
import { ask } from './dialog.js'

/** The routes and the pages have the same prefix. */
export const baseURL = new URL('.', location.href).href

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
    if (!hasCode(error, 'insufficient_user_authentication') || !(await confirmPassword())) throw error
    return action()
  }
}

/** Asks until the user confirms the password (true) or cancels (false). */
async function confirmPassword(): Promise<boolean> {
  for (let title = 'Confirm that it is you'; ; title = 'The password is wrong') {
    const answer = await ask({
      title,
      text: 'You signed in a while ago. Type your password to continue.',
      confirm: 'Continue',
      field: { label: 'Your password', isPassword: true, maxLength: 1024, required: true }
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
