import { type CallService, serviceCaller } from '../call-service.js'
import type { Runtime } from '../runtime/runtime.js'
import { headerOf } from './browser-headers.js'
import { cookieHeader, isOfLatchkey, type SessionCookies } from './cookies.js'
import type { BrowserRequest } from './server-client.js'

/** Sends requests to Latchkey in the name of a browser. */
export type OnBehalfOf = ReturnType<typeof callerOnBehalf>

/** `base` is where this server reaches Latchkey, `origin` an origin that Latchkey's origin check accepts. */
export function callerOnBehalf(runtime: Runtime, base: URL, origin: string) {
  const call = serviceCaller(runtime, base, 'cookie')

  return (request: BrowserRequest, cookies: SessionCookies) => {
    /** The status of the last response, and the `Set-Cookie` headers of all. A proxy may add some of its own. */
    const answered = { status: 0, setCookies: [] as string[] }
    const fetch: typeof globalThis.fetch = async (...args) => {
      const response = await runtime.fetch(...args)
      answered.status = response.status
      answered.setCookies.push(...response.headers.getSetCookie().filter(isOfLatchkey))
      return response
    }
    const cookie = cookieHeader(cookies)
    const userAgent = headerOf(request, 'user-agent')
    const browser = {
      // Latchkey checks the origin of requests with cookies. This server has checked the browser's.
      origin,
      ...(cookie && { cookie }),
      ...(userAgent && { 'user-agent': userAgent }),
      ...(request.ip && { 'x-forwarded-for': request.ip })
    }
    const post: <T>(path: string, sent: Parameters<CallService>[2]) => Promise<T> = (path, { headers, ...sent } = {}) =>
      call('POST', path, { ...sent, headers: { ...browser, ...(headers || {}) }, fetch })
    return { answered, post }
  }
}
