import type { AxiosError, AxiosInstance, InternalAxiosRequestConfig } from 'axios'
import type { AuthClient } from './auth-client.js'
import { isCredentialRejected } from './authorized-fetch.js'
import { attempt } from './runtime/runtime.js'

/**
 * Adds the user's access token to the requests of an axios instance, by the rules of `auth.fetch`: only origins that
 * `auth` trusts receive it, and a rejected request is repeated once with a newer token. Returns a function that undoes
 * this. In `session` mode also set `withCredentials` of axios. A request rejects with axios' own error, or with the
 * `AuthError` of a refresh that failed.
 *
 * @example
 * ```ts
 * import axios from 'axios'
 * import { createAuthClient } from 'latchkey/client'
 * import { authorizeAxios } from 'latchkey/client/axios'
 *
 * const auth = createAuthClient({ baseURL: 'https://auth.example.com', mode: 'body' })
 * await auth.register({ email: 'grace@example.com', password: 'correct horse battery staple' })
 *
 * const api = axios.create({ baseURL: 'https://auth.example.com' })
 * const undo = authorizeAxios(api, auth)
 * const { data } = await api.get('/me')
 * console.log(data.email) // grace@example.com
 * undo()
 * auth.close()
 * ```
 */
export function authorizeAxios(axios: AxiosInstance, auth: AuthClient): () => void {
  /** The token of each request that we authorized, until its response arrives. */
  const tokens = new WeakMap<object, string>()

  const onRequest = async (config: InternalAxiosRequestConfig) => {
    const url = urlOf(axios, config)
    if (config.headers.has('authorization') || url === undefined || !auth.trusts(url)) return config
    const token = await auth.getAccessToken()
    if (token !== undefined) config.headers.set('authorization', `Bearer ${token}`)
    tokens.set(config, token ?? '')
    return config
  }

  const onFailure = async (error: Failure) => {
    const { config, response } = error
    const rejected = config && tokens.get(config)
    if (config === undefined || rejected === undefined || response?.status !== 401) throw error
    if (!isCredentialRejected(response.headers['www-authenticate'], response.data?.code)) throw error
    const newer = await auth.getAccessToken(rejected)
    if (newer === undefined) throw error
    // `onRequest` skips a request that has this header, so it is not repeated a second time.
    config.headers.set('authorization', `Bearer ${newer}`)
    return axios.request(config)
  }

  const { request, response } = axios.interceptors
  const onRequestId = request.use(onRequest)
  const onFailureId = response.use(undefined, onFailure)
  return () => {
    request.eject(onRequestId)
    response.eject(onFailureId)
  }
}

type Failure = Partial<Pick<AxiosError<{ code?: string } | undefined>, 'config' | 'response'>>

/** A relative address resolves against the page, as in axios. Undefined if there is no page, or the address is invalid. */
function urlOf(axios: AxiosInstance, config: InternalAxiosRequestConfig): string | undefined {
  const page = attempt(() => (globalThis as { location?: { readonly href?: string } }).location?.href)
  return attempt(() => new URL(axios.getUri(config), page).href)
}
