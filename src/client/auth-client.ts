/// <reference lib="esnext.disposable" preserve="true" />

/** Everything here that asks the service rejects with an `AuthError` where it refuses or cannot be reached. */
export interface AuthClient extends AsyncDisposable {
  readonly state: AuthState
  /** Calls `listener` with each new state, whoever caused it, until what it gives is called. */
  onChange(listener: (state: AuthState) => void): () => void
  login(signIn: SignIn): Promise<void>
  /** Makes an account and signs in to it. */
  register(signIn: SignIn): Promise<void>
  /** Ends the session. While the service cannot be reached it goes on, and this rejects: try again. */
  logout(): Promise<void>
  /**
   * Renews the access token, with all other callers at once; in the modes that have nothing to renew it
   * asks whether the session still lives. Tries three times. Nobody is signed out by an `AuthError` that `isTemporary`.
   */
  refresh(): Promise<void>
  /**
   * An access token that is good by now, renewed where needed; undefined where nobody is signed in, and in `session` mode.
   * Hand in one that was `refused`, and it is renewed unless it has been already.
   */
  getAccessToken(refused?: string): Promise<string | undefined>
  /**
   * `fetch` as whoever is signed in. Paths are the service's: `/me`. Only the service's origin and
   * `origins` see the token; where one of them refuses it, it is renewed and the request sent once more.
   */
  readonly fetch: typeof globalThis.fetch
  /** Whether requests for `url` carry the token. */
  trusts(url: string): boolean
  /** The person's devices, newest first. */
  sessions(): Promise<readonly Session[]>
  /** Ends one of them. */
  revoke(sessionId: string): Promise<void>
  /** Ends all but this one; says how many. */
  revokeOthers(): Promise<number>
  /** Ends the timers and stops listening to other tabs. Nobody is signed out. */
  close(): void
}

/** How the session is held; see "Clients" in the README. */
export type Mode = 'cookie' | 'body' | 'session' | 'access'

export interface AuthClientOptions {
  /** Where Latchkey is: `https://auth.example.com`, or `/auth` on the page's own origin, which is what is left out. */
  readonly baseURL?: string
  /** `cookie` by default. */
  readonly mode?: Mode
  /**
   * Where what must outlive the process is kept: in `body` mode the refresh token and the device token, and the
   * session's key. In `body` mode memory by default, else the browser's localStorage, which never sees a token.
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
