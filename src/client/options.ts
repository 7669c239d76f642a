/** How the session is held; see "Clients" in the README. */
export type Mode = 'cookie' | 'body' | 'session' | 'access'

export interface AuthClientOptions {
  /** Where Latchkey is: `https://auth.example.com`, or `/auth` on the page's own origin, which is what is left out. */
  readonly baseURL?: string
  /** `cookie` by default. */
  readonly mode?: Mode
  /**
   * Where what must outlive the process is kept: in `body` mode the refresh token, and the session's
   * key. In `body` mode memory by default, else the browser's localStorage, which never sees a token.
   */
  readonly storage?: AuthStorage
  /** Other origins that may be sent the access token, such as `https://api.example.com`. */
  readonly origins?: readonly string[]
  /** In place of the global one. */
  readonly fetch?: typeof globalThis.fetch
}

/** A phone's secure store, say. Each may be asynchronous, and each may fail. */
export interface AuthStorage {
  get(name: string): string | null | undefined | Promise<string | null | undefined>
  set(name: string, value: string): unknown
  remove(name: string): unknown
}

export interface SignIn {
  readonly email: string
  readonly password: string
  /** A name for this device, as the person knows it. */
  readonly device?: string
}

/** Whether somebody is signed in. The same object until something changes. */
export type AuthState =
  /** Not asked yet: the first request, or `refresh`, finds out. */
  | { readonly status: 'unknown' }
  | { readonly status: 'signed_in'; readonly sessionId: string }
  /**
   * `reason` says what ended the session: that of `session_ended` (docs/errors.md), or
   * `invalid_refresh_token`; in the modes without a refresh token the code of the refusal. It is missing
   * where nobody was signed in.
   */
  | { readonly status: 'signed_out'; readonly reason?: string }

/** One device of the person, as the service lists it. */
export interface Session {
  readonly id: string
  /** Whether it is the one that asks. */
  readonly current: boolean
  readonly mode: Mode
  readonly device: string | null
  readonly user_agent: string | null
  readonly ip: string | null
  /** Times are RFC 3339, UTC. */
  readonly created_at: string
  readonly last_used_at: string
  readonly expires_at: string
}
