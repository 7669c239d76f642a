import type { AuthClient } from './auth-client.js'
import { readProblem } from './call-service.js'

type Fetch = typeof globalThis.fetch

export interface Authorization extends Pick<AuthClient, 'trusts' | 'getAccessToken'> {
  /** Relative paths resolve against this address. */
  readonly base: URL
  readonly send: Fetch
  /** Whether the browser's cookie is the credential. */
  readonly byCookie: boolean
  readonly isSignedOut: () => boolean
}

/** `fetch` that adds the access token for trusted origins, and repeats a rejected request once with a newer token. */
export function authorizedFetch({ base, send, trusts, getAccessToken, byCookie, isSignedOut }: Authorization): Fetch {
  const authorize = (request: Request, token: string | undefined): Request => {
    if (byCookie) return new Request(request, { credentials: 'include' })
    if (token) request.headers.set('authorization', `Bearer ${token}`)
    return request
  }

  return async (input, init) => {
    const target = typeof input === 'string' || input instanceof URL ? new URL(input, base) : input
    const request = new Request(target, init)
    if (!trusts(request.url) || request.headers.has('authorization')) return send(request)
    const token = await getAccessToken()
    const response = await send(authorize(request.clone(), token))
    if (response.status !== 401) return response
    const text = await response
      .clone()
      .text()
      .catch(() => '')
    if (!isCredentialRejected(response.headers.get('www-authenticate'), readProblem(text).code)) return response
    const newer = await getAccessToken(token ?? '')
    const canRepeat = byCookie ? !isSignedOut() : newer
    return canRepeat ? send(authorize(request, newer)) : response
  }
}

/** The codes of a 401 that reject the credential. A 401 for a wrong password, for example, does not. */
const rejections: readonly unknown[] = ['token_expired', 'invalid_token', 'session_revoked', 'missing_credentials']

/** Whether a 401 with this `WWW-Authenticate` and this problem `code` may succeed with another access token. */
export function isCredentialRejected(challenge: unknown, code: unknown): boolean {
  return String(challenge).includes('invalid_token') || rejections.includes(code)
}
