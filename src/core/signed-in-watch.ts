import type { Auth } from './access-claims.js'
import type { EndedReason } from './vocabulary.js'

/**
 * Why a connection must close.
 *
 * - A reason for which its session ended.
 * - `roles_changed`: the session goes on, but `auth` has roles that the user no longer has.
 * - `token_expired`: the token has expired, and `renew` was not given a newer one.
 * - `invalid_token`: the token was never good, or the key that signed it was withdrawn.
 * - `session_revoked`: the session has ended, for a reason that this version does not know.
 * - `unavailable`: it cannot be known whether the session goes on, and requests are refused too.
 * - `closing`: the app or the verifier closes.
 */
export type WatchEndReason =
  | EndedReason
  | 'roles_changed'
  | 'token_expired'
  | 'invalid_token'
  | 'session_revoked'
  | 'unavailable'
  | 'closing'

/** What `whileSignedIn` calls. */
export interface WatchOptions {
  /**
   * Called once, and never before `whileSignedIn` has returned: close the connection. What it throws or rejects with is
   * logged.
   */
  onEnd(reason: WatchEndReason): unknown
}

/** The watch over one open connection. */
export interface SignedInWatch {
  /** The user of the connection; null if the token is not good, and `onEnd` gets the reason. Never rejects. */
  readonly auth: Promise<Auth | null>
  /**
   * Takes a newer access token of the same session, so that the connection outlives the first one. Resolves to the user
   * as in that token; to null, with nothing changed, if it is not a good token of this session. Never rejects.
   */
  readonly renew: (token: string) => Promise<Auth | null>
  /** Stops the watch: `onEnd` is not called any more. Call it when the connection has closed. */
  readonly stop: () => void
}

/** The credential on which a connection rests. */
export interface HeldCredential {
  readonly auth: Auth
  /** The ends of everybody's sessions up to this second concern it; in seconds. */
  readonly iat: number
  /** When it expires, or must be read again; in milliseconds. */
  readonly expiresAt: number
  /** Why it is refused now, whatever its age. No I/O. */
  refusal(): WatchEndReason | undefined
  /** Of a session on the server, which has no token: reads when it ends, or why it has ended. Rejects if that fails. */
  reread?(): Promise<number | WatchEndReason>
}

/** A credential, or why it is refused. Never rejects. */
export type OpenedCredential = HeldCredential | WatchEndReason | Promise<HeldCredential | WatchEndReason>
