/** The settings that src/http needs, from the config or the plugin's options. */
export interface HttpSettings {
  /** Whether cookies have `Secure` and the `__Host-` prefix. False only for development over plain http. */
  readonly cookieSecure: boolean
  readonly cookieSameSite: 'strict' | 'lax' | 'none'
  /** The suffix of the names of new cookies, and then the suffixes of names that earlier cookies may have. */
  readonly cookieNameSuffixes: readonly [string, ...string[]]
  /** Origins, besides our own, whose pages can send requests with cookies. */
  readonly allowedOrigins: readonly string[]
  readonly rateLimitEnabled: boolean
  /** `id:secret` of each service that can introspect, revoke and follow the feed. */
  readonly serviceCredentials: readonly string[]
  /** Whether /docs and /openapi.json are served. */
  readonly docs: boolean
  /** In production, and if `metricsPort` is set, /metrics is not among the routes. */
  readonly production: boolean
  readonly metricsPort?: number | undefined
}
