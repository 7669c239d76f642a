import type { CustomClaims } from '../core/custom-claims.js'
import type { JsonObject } from '../core/merge-patch.js'
import type { LiveSession } from './sessions.js'
import type { SessionUser } from './users.js'

/** The user of the access token that is about to be made. */
export interface ClaimsUser extends Pick<SessionUser, 'id' | 'email' | 'externalId' | 'roles' | 'attributes'> {
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

/** The session of the access token that is about to be made. At a login it is not stored yet. */
export interface ClaimsSession extends Pick<LiveSession, 'id' | 'mode' | 'device' | 'userAgent' | 'ip' | 'amr'> {
  /** When the user was last authenticated, in seconds since the epoch. */
  readonly authTime: number
}

/**
 * A host's function that makes the claims which it adds to access tokens. It is called for each access token: at logins
 * and at every refresh.
 */
export type ClaimsFunction = (subject: {
  readonly user: ClaimsUser
  readonly session: ClaimsSession
}) => Partial<CustomClaims> | Promise<Partial<CustomClaims>>

/** What the claims of a session depend on. */
export type ClaimedSession = Pick<
  LiveSession,
  'id' | 'mode' | 'device' | 'userAgent' | 'ip' | 'amr' | 'authTime' | 'user'
>

/** The claims that access tokens get beside Latchkey's own: attributes of the user, and what the host adds. */
export interface AddedClaims {
  /**
   * Whether a function of the host is called. It must then be called before anything is written, because it can fail: so a
   * failure changes nothing.
   */
  readonly callsHost: boolean
  /**
   * The claims for a session now. The host's claims win over attributes of the same name. Throws `Unavailable`, and logs
   * why, if the host's function throws, does not answer in time, or returns what cannot be claims.
   */
  of(session: ClaimedSession): Promise<JsonObject>
  /** The same for a server-side session, called once for each time that it was read from the store. */
  ofRead(session: LiveSession): Promise<JsonObject>
  /**
   * Whether a user has changed between two reads in a way that can change the claims. Exactly such a change has written an
   * entry `roles_changed`. The host's function is not called.
   */
  changeBetween(before: SessionUser, after: SessionUser): boolean
}
