import { AuthError, type AuthErrorDetails, unreachable } from './auth-error.js'
import type { Runtime } from './runtime.js'

/** The service's answer to a login, a registration or a refresh. Which members it has depends on the mode. */
export interface TokenResponse {
  readonly access_token?: string
  /** In seconds. */
  readonly expires_in: number
  readonly session_id: string
  readonly refresh_token?: string
  readonly device_token?: string
}

export interface ServiceRequest {
  readonly method: string
  readonly url: string
  readonly credentials: 'include' | 'omit'
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: Readonly<Record<string, unknown>> | undefined
  /** For the whole response, body included. */
  readonly timeoutMilliseconds: number
}

/** Sends a request to the service and returns the parsed body, `{}` if it is empty. Any failure is an `AuthError`. */
export async function callService<T>(
  { fetch, now, schedule }: Pick<Runtime, 'fetch' | 'now' | 'schedule'>,
  { url, headers, body, timeoutMilliseconds, ...init }: ServiceRequest
): Promise<T> {
  const timeout = new AbortController()
  const cancelTimeout = schedule(() => timeout.abort(), timeoutMilliseconds)
  try {
    const response = await fetch(url, {
      ...init,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: timeout.signal
    })
    const text = await response.text()
    if (!response.ok) throw errorOf(response, text, now())
    return JSON.parse(text || '{}')
  } catch (error) {
    throw error instanceof AuthError ? error : unreachable(error)
  } finally {
    cancelTimeout()
  }
}

function errorOf({ status, headers }: Response, text: string, now: number): AuthError {
  const problem = readProblem(text)
  return new AuthError(problem.detail ?? problem.title ?? `The service answered ${status}`, {
    code: problem.code ?? `http_${status}`,
    status,
    reason: problem.reason,
    errors: problem.errors,
    retryAfterSeconds: readRetryAfter(headers.get('retry-after'), now)
  })
}

type Problem = Partial<Pick<AuthErrorDetails, 'code' | 'reason' | 'errors'> & Record<'title' | 'detail', string>>

/** The problem details (RFC 9457) in a body; `{}` if the body is something else. */
export function readProblem(text: string): Problem {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

/** In seconds. The header holds seconds or a date (RFC 9110 §10.2.3). */
function readRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  const seconds = Number(header)
  const waits = Number.isNaN(seconds) ? (Date.parse(header) - now) / 1000 : seconds
  return waits > 0 ? waits : undefined
}
