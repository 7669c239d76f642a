/// <reference lib="esnext.disposable" preserve="true" />

/**
 * The client that `createAuthClient` returns. A method that calls the service rejects with an `AuthError` if the
 * service refuses the request or cannot be reached.
 */
export interface AuthClient extends AsyncDisposable {
  readonly state: AuthState
  /** Calls `listener` with each new state, also if another tab caused it. Returns a function that stops this. */
  onChange(listener: (state: AuthState) => void): () => void
  login(signIn: SignIn): Promise<void>
  /**
   * Creates an account and signs in to it. With `EMAIL_VERIFICATION=required` it resolves to false instead, and no
   * session begins: ask the person to look for a mail, which confirms the address. It is also false, without a new
   * account, if the address has an account: then the mail tells its owner.
   */
  register(registration: Registration): Promise<boolean>
  /**
   * Confirms an address by the token of a mailed link. Resolves to true if that began the first session of the account,
   * else to false.
   */
  verifyEmail(confirmation: { readonly token: string; readonly device?: string }): Promise<boolean>
  /**
   * Mails a link for a new password. Also resolves if the address has no account, so that nobody learns who has one.
   */
  forgotPassword(person: { readonly email: string }): Promise<void>
  /** Sets a new password by the token of a mailed link. All sessions of the user end, and none begins: log in. */
  resetPassword(reset: { readonly token: string; readonly newPassword: string }): Promise<void>
  /** Mails a link to the new address. The address changes when the link is used. Needs a recent login. */
  changeEmail(change: { readonly newEmail: string }): Promise<void>
  /**
   * Sets a new password. The service ends all sessions of the user and gives this client a new one, so the tabs of this
   * browser stay signed in. If the account has no password (`has_password` of `/me`), leave out `currentPassword`: the
   * service requires a recent login instead.
   */
  changePassword(change: { readonly currentPassword?: string; readonly newPassword: string }): Promise<void>
  /**
   * Confirms the password, after a request was refused with `insufficient_user_authentication`. The service replaces the
   * session by a new one. Then repeat the request.
   */
  reauthenticate(proof: { readonly password: string }): Promise<void>
  /** Ends the session. If the service cannot be reached, this rejects and the session goes on: call it again later. */
  logout(): Promise<void>
  /**
   * Renews the access token. Concurrent calls share one refresh, which is tried three times. In the modes `session`
   * and `access`, which have nothing to renew, it asks the service whether the session still lives. A failure that
   * `isTemporary` signs nobody out.
   */
  refresh(): Promise<void>
  /**
   * An access token that has not expired, renewed if necessary. Undefined if nobody is signed in, and in `session`
   * mode. Pass the token that a server has `rejected` to get a newer one.
   */
  getAccessToken(rejected?: string): Promise<string | undefined>
  /**
   * `fetch` with the user's credential. Paths such as `/me` resolve against `baseURL`. Only `baseURL`'s origin and
   * `origins` receive the access token. If one of them rejects it, the request is repeated once with a newer token.
   */
  readonly fetch: typeof globalThis.fetch
  /** Whether requests to `url` carry the access token. */
  trusts(url: string): boolean
  /** The user's live sessions, newest first. */
  sessions(): Promise<readonly DeviceSession[]>
  /** Ends one of the user's sessions. */
  revoke(sessionId: string): Promise<void>
  /** Ends all of the user's sessions except this one, and returns how many ended. */
  revokeOthers(): Promise<number>
  /** Stops the timers and the messages between tabs. The session goes on. */
  close(): void
}

/**
 * How the session is held: `cookie` (refresh token in an HttpOnly cookie), `body` (refresh token in `storage`),
 * `session` (session cookie, no tokens) or `access` (access token only, which cannot be renewed).
 */
export type Mode = 'cookie' | 'body' | 'session' | 'access'

/** Options of `createAuthClient`. Every option may be left out in a page that Latchkey's own origin serves. */
export interface AuthClientOptions {
  /** Address of Latchkey's routes: `https://auth.example.com`, or a path such as `/auth`; `/` by default. */
  readonly baseURL?: string
  /** `cookie` by default. */
  readonly mode?: Mode
  /**
   * Holds what must outlive the process: the session's idempotency key, and in `body` mode the refresh token and the
   * device token. The default is memory in `body` mode, and otherwise localStorage, which never receives a token.
   */
  readonly storage?: AuthStorage
  /**
   * Holds the idempotency key instead of `storage`. A thief who copies only the token gets no newer token, so a second
   * place is safer. It must also outlive the process.
   */
  readonly keyStorage?: AuthStorage
  /** Other origins that may receive the access token, such as `https://api.example.com`. */
  readonly origins?: readonly string[]
  /** The global `fetch` by default. */
  readonly fetch?: typeof globalThis.fetch
}

/** A key-value store for `storage`, such as a phone's secure store. Its functions may be asynchronous and may fail. */
export interface AuthStorage {
  get(name: string): string | null | undefined | Promise<string | null | undefined>
  set(name: string, value: string): unknown
  remove(name: string): unknown
}

/** What `login` takes. */
export interface SignIn {
  readonly email: string
  readonly password: string
  /** A name that the user knows this device by. */
  readonly device?: string
}

/** What `register` takes. */
export interface Registration extends SignIn {
  /** The language of the account's mails, such as `de` (RFC 5646): one of `locales` of `GET /features`. */
  readonly locale?: string
}

/**
 * Whether somebody is signed in; `status` narrows the type. Each state has every member, so that a listener can take them
 * apart: `({ status, reason }) => …`. It is the same object until something changes.
 */
export type AuthState =
  /** Before the first request or `refresh`, which finds out. */
  | { readonly status: 'unknown'; readonly sessionId?: undefined; readonly reason?: undefined }
  | { readonly status: 'signed_in'; readonly sessionId: string; readonly reason?: undefined }
  /**
   * `reason` says why the session ended: the reason of `session_ended` (docs/errors.md) or `invalid_refresh_token`;
   * in the modes without a refresh token, the code of the error. Undefined if nobody was signed in before.
   */
  | { readonly status: 'signed_out'; readonly sessionId?: undefined; readonly reason?: string | undefined }

/** One of the user's sessions, as `GET /sessions` lists it: one session per device. Times are RFC 3339, UTC. */
export interface DeviceSession {
  readonly id: string
  /** Whether this client holds it. */
  readonly current: boolean
  readonly mode: Mode
  readonly device: string | null
  readonly user_agent: string | null
  readonly ip: string | null
  readonly created_at: string
  readonly last_used_at: string
  readonly expires_at: string
}
