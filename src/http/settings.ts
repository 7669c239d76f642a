/** The settings that the HTTP routes use; a part of `Config`. */
export interface HttpSettings {
  /** Whether cookies have `Secure` and the `__Host-` prefix. False only for development over plain http. */
  readonly cookieSecure: boolean
  readonly cookieSameSite: 'strict' | 'lax' | 'none'
  /** Other origins whose pages may call the service with cookies. */
  readonly allowedOrigins: readonly string[]
  readonly rateLimitEnabled: boolean
  /** `id:secret` of each service that may introspect, revoke and follow the feed. */
  readonly serviceCredentials: readonly string[]
}
