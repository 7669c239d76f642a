import { problemOf } from './call-service.js'
import { isRefusal } from './refusal.js'

type Fetch = typeof globalThis.fetch

export interface Authorization {
  /** Where paths are resolved. */
  readonly base: URL
  readonly send: Fetch
  trusts(url: string): boolean
  getAccessToken(refused?: string): Promise<string | undefined>
  /** Whether the browser's cookie is the credential. */
  readonly byCookie: boolean
}

/**
 * `fetch` with the access token, to those who may have it. Where it is refused and a newer one is to be
 * had, the request is sent once more with that.
 */
export function authorizedFetch({ base, send, trusts, getAccessToken, byCookie }: Authorization): Fetch {
  const authorized = (request: Request, token: string | undefined): Request => {
    if (byCookie) return new Request(request, { credentials: 'include' })
    if (token !== undefined) request.headers.set('authorization', `Bearer ${token}`)
    return request
  }

  return async (input, init) => {
    const target = typeof input === 'string' || input instanceof URL ? new URL(input, base) : input
    const request = new Request(target, init)
    if (!trusts(request.url) || request.headers.has('authorization')) return send(request)
    const token = await getAccessToken()
    const response = await send(authorized(request.clone(), token))
    if (!(await isRefused(response))) return response
    const newer = await getAccessToken(token ?? '')
    return newer === undefined ? response : send(authorized(request, newer))
  }
}

async function isRefused(response: Response): Promise<boolean> {
  if (response.status !== 401) return false
  return isRefusal(response.headers.get('www-authenticate'), problemOf(await response.clone().text()).code)
}
