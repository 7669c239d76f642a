import type { Mode } from './auth-client.js'
import { AuthError, type AuthErrorDetails, unreachable } from './auth-error.js'
import type { Runtime } from './runtime/runtime.js'

/** Long enough for a login that waits until the service has hashed other passwords. */
const defaultTimeout = 30_000

/** The service's answer to a login, a registration or a refresh. Which members it has depends on the mode. */
export interface TokenResponse {
  readonly access_token?: string
  /** In seconds. */
  readonly expires_in: number
  readonly session_id: string
  readonly refresh_token?: string
  readonly device_token?: string
}

interface ServiceRequest {
  readonly headers?: Readonly<Record<string, string>> | '' | undefined
  readonly body?: object | '' | undefined
  /** In milliseconds, for the whole response, body included. */
  readonly timeout?: number
  readonly fetch?: typeof globalThis.fetch
}

/** Sends a request to the service and returns the parsed body, `{}` if it is empty. Any failure is an `AuthError`. */
export type CallService = <T>(method: string, path: string, request?: ServiceRequest) => Promise<T>

export function serviceCaller({ fetch: send, now, schedule }: Runtime, base: URL, mode: Mode): CallService {
  return async (method, path, { headers, body, timeout = defaultTimeout, fetch = send } = {}) => {
    const controller = new AbortController()
    const cancelTimeout = schedule(() => controller.abort(), timeout)
    try {
      const response = await fetch(base.href + path, {
        method,
        credentials: mode === 'body' ? 'omit' : 'include',
        headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
        redirect: 'error',
        signal: controller.signal
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
}

function errorOf({ status, headers }: Response, text: string, now: number): AuthError {
  const { title, detail = title, code = `http_${status}`, reason, replaced, errors } = readProblem(text)
  const retryAfterSeconds = readRetryAfter(headers.get('retry-after'), now)
  return new AuthError(detail ?? `The service answered ${status}`, {
    code,
    status,
    reason,
    replaced,
    errors,
    retryAfterSeconds
  })
}

type Problem = Partial<
  Pick<AuthErrorDetails, 'code' | 'reason' | 'replaced' | 'errors'> & Record<'title' | 'detail', string>
>

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
  const seconds = Number(header)
  const waits = Number.isNaN(seconds) ? (Date.parse(`${header}`) - now) / 1000 : seconds
  return waits > 0 ? waits : undefined
}
