/** What the HTTP side is told by the config or the plugin's options. */
export interface HttpSettings {
  /** `Secure` and the `__Host-` prefix. Off for plain http in development only. */
  readonly cookieSecure: boolean
  readonly cookieSameSite: 'strict' | 'lax' | 'none'
  /** Origins, beside our own, whose pages may call with cookies. */
  readonly allowedOrigins: readonly string[]
  readonly rateLimitEnabled: boolean
  /** `id:secret` of each service that may introspect, revoke and follow the feed. */
  readonly serviceCredentials: readonly string[]
}
