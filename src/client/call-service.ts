import { AuthError, unreachable } from './auth-error.js'
import type { Surroundings } from './surroundings.js'

/** What the service answers with; each member only where it belongs. */
export interface Answer {
  readonly access_token?: string
  readonly expires_in: number
  readonly session_id: string
  readonly refresh_token?: string
  readonly device_token?: string
}

export interface Call {
  readonly method: string
  readonly url: string
  readonly credentials: 'include' | 'omit'
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: Readonly<Record<string, unknown>> | undefined
  /** How many milliseconds the whole answer may take. */
  readonly patience: number
}

/**
 * Sends a request to the service and gives what it answered, `{}` where that is nothing. Throws an
 * `AuthError` for everything else.
 */
export async function callService<T>(
  { fetch, now, schedule }: Pick<Surroundings, 'fetch' | 'now' | 'schedule'>,
  { url, headers, body, patience, ...init }: Call
): Promise<T> {
  const lost = new AbortController()
  const calledOff = schedule(() => lost.abort(), patience)
  try {
    const response = await fetch(url, {
      ...init,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: lost.signal
    })
    const text = await response.text()
    if (!response.ok) throw refusal(response, text, now())
    return JSON.parse(text || '{}')
  } catch (error) {
    throw error instanceof AuthError ? error : unreachable(error)
  } finally {
    calledOff()
  }
}

function refusal({ status, headers }: Response, text: string, now: number): AuthError {
  const problem = problemOf(text)
  return new AuthError(problem.detail ?? problem.title ?? `The answer was ${status}`, {
    code: problem.code ?? `http_${status}`,
    status,
    reason: problem.reason,
    errors: problem.errors,
    retryAfterSeconds: retryAfterSeconds(headers.get('retry-after'), now)
  })
}

interface Problem {
  readonly title?: string
  readonly detail?: string
  readonly code?: string
  readonly reason?: string
  readonly errors?: AuthError['errors']
}

/** The problem (RFC 9457) that a body holds; an empty one where it is something else. */
export function problemOf(text: string): Problem {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

/** In seconds or as a date (RFC 9110 §10.2.3). */
function retryAfterSeconds(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  const seconds = Number(header)
  const waits = Number.isNaN(seconds) ? (Date.parse(header) - now) / 1000 : seconds
  return waits > 0 ? waits : undefined
}
