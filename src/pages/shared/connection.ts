import { AuthError, createAuthClient } from '../../client/index.js'
import type { Problem } from '../../http/schemas/problem.js'

/** The routes and the pages have the same prefix. */
const baseURL = new URL('.', location.href).href

export const client = createAuthClient({ baseURL, mode: 'cookie' })

/** Sends a request as the signed-in user and returns the body of the response. Throws `AuthError`, as the client does. */
export async function request<T = void>(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: object
): Promise<T> {
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
