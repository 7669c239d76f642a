import type { AxiosError, AxiosInstance, InternalAxiosRequestConfig } from 'axios'
import type { AuthClient } from './auth-client.js'
import { isRefusal } from './refusal.js'

/**
 * Lets an axios instance send its requests as whoever is signed in at `auth`, by the rules of
 * `auth.fetch`: only those whom `auth` trusts see the token, and where it is refused it is renewed and
 * the request sent once more. Gives what undoes it. In `session` mode set axios' `withCredentials`.
 */
export function authorizeAxios(axios: AxiosInstance, auth: AuthClient): () => void {
  /** The requests that carry a token of ours, until they have been answered. */
  const tokens = new WeakMap<object, string>()

  const onRequest = async (config: InternalAxiosRequestConfig) => {
    const address = addressOf(axios.getUri(config))
    if (config.headers.has('authorization') || address === undefined || !auth.trusts(address)) return config
    const token = await auth.getAccessToken()
    if (token !== undefined) config.headers.set('authorization', `Bearer ${token}`)
    tokens.set(config, token ?? '')
    return config
  }

  const onFailure = async (error: Failure) => {
    const { config, response } = error
    const refused = config && tokens.get(config)
    if (config === undefined || refused === undefined || response?.status !== 401) throw error
    if (!isRefusal(response.headers['www-authenticate'], response.data?.code)) throw error
    const newer = await auth.getAccessToken(refused)
    if (newer === undefined) throw error
    // A header that was there before is not touched, so it is not sent a third time.
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

/** axios resolves what has no origin against the page, if there is one. */
function addressOf(uri: string): string | undefined {
  const { location } = globalThis as { location?: { readonly href?: string } }
  try {
    return new URL(uri, location?.href).href
  } catch {
    return undefined
  }
}
