import type { Revocation } from '../core/revocation-set.js'
import type { Presented, RotationState } from '../core/rotation.js'
import type { EndedReason, Mode } from '../core/vocabulary.js'
import type { Actor } from './events.js'
import type { Page, PageRequest } from './paging.js'
import type { SessionUser } from './users.js'

/** A session as users and admins see it. Times are milliseconds since the epoch. */
export interface Session {
  readonly id: string
  readonly userId: string
  readonly mode: Mode
  /** The name that the user gave this device, or null. */
  readonly device: string | null
  readonly userAgent: string | null
  readonly ip: string | null
  /** When the user logged in. */
  readonly createdAt: number
  /** The last refresh, or in `session` mode the last request, to the minute. */
  readonly lastUsedAt: number
  /** The last use before the five minutes of `lastUsedAt`; null if there was none. Users see it until they are over. */
  readonly usedBeforeAt: number | null
  /** When it ends if it is not used; moves with each use. */
  readonly idleExpiresAt: number
  /** When it ends at the latest. */
  readonly absoluteExpiresAt: number
}

export interface NewSession extends Pick<Session, 'id' | 'userId' | 'mode' | 'device' | 'userAgent' | 'ip'> {
  readonly secretHash: string
  /** How the user was authenticated (RFC 8176). */
  readonly amr: readonly string[]
  /** When that was; now if undefined or in the future. */
  readonly authTime?: number | undefined
  readonly idleTtlSeconds: number
  readonly absoluteTtlSeconds: number
}

/** The new session. It keeps the mode, device, login time and absolute end of the session `replaces`. */
export interface Replacement
  extends Pick<NewSession, 'id' | 'secretHash' | 'amr' | 'authTime' | 'userAgent' | 'ip' | 'idleTtlSeconds'> {
  readonly replaces: string
  /** Why `replaces` ends; `replaced` if undefined. */
  readonly replacedReason?: EndedReason | undefined
}

/** A session that was added, and what its addition revoked. */
export interface AddedSession {
  readonly session: LiveSession
  readonly revocations: readonly Revocation[]
}

/** What the tokens of a session need. */
export interface IssuableSession
  extends Pick<
      Session,
      'id' | 'userId' | 'mode' | 'device' | 'userAgent' | 'ip' | 'idleExpiresAt' | 'absoluteExpiresAt'
    >,
    Pick<RotationState, 'generation'> {
  readonly amr: readonly string[]
  /** When the user was last authenticated. */
  readonly authTime: number
  readonly user: SessionUser
  /** The database's clock when this was read. */
  readonly now: number
}

/** A session with everything that decides about it. */
export interface LiveSession extends IssuableSession, Session, RotationState {
  readonly secretHash: string
}

/** A refresh with the current token: what the row must hold for the refresh to succeed. */
export interface RotationAttempt extends Presented {
  readonly sid: string
  readonly secretHash: string
}

/** The change of a row that a verdict of `decideRotation` asks for. */
export interface RotationStep {
  readonly kind: 'renew' | 'recover' | 'restore'
  /** The row's generation afterwards. */
  readonly generation: number
  readonly retryKeyHash: string | null
}

/**
 * Every change writes its revocations, events and notices in the same transaction: all of it happens, or nothing. If a
 * session ends as `reuse_detected`, its user gets the notice `theft_detected`. No notice is written where no mail is
 * sent, and none above `noticeLimits`.
 */
export interface SessionStore {
  /**
   * Adds a session and writes `login_succeeded`. Without a `passwordHash` a host has proved the identity, and the event
   * has the reason `host`. The account then counts as used and no longer waits for a
   * confirmation. 'user_changed', with nothing done, if the user is disabled or the password hash is no longer
   * `passwordHash`, also in a race. Ends the user's oldest sessions above `maxPerUser` with `session_limit`, and the
   * session `replaces`, if given, with `replacedReason` or else `replaced`. Also writes the event `replaced` for a
   * session that it replaces for another reason. With `isNewDevice` the user gets the notice `new_device`, unless this
   * is the first session of the account, or the person has turned off these notices.
   */
  create(
    session: NewSession,
    conditions: {
      /** The hash of the password that was proved; null if a host has proved the identity. */
      readonly passwordHash: string | null
      readonly maxPerUser: number
      readonly replaces?: string | undefined
      readonly replacedReason?: EndedReason | undefined
      /** Whether the client sent no device token of the account. */
      readonly isNewDevice?: boolean
    },
    actor: Actor
  ): Promise<AddedSession | 'user_changed'>
  /**
   * Replaces a session whose user has just proved the password, or whose identity a host has proved (null): ends it as
   * `create` does, and adds one with a new id and secret. Its `authTime` is now, or the later of the given one and that
   * of the old session. Its `amr` has the methods of both. Writes `reauthenticated`, by a host with the reason `host`.
   * Undefined, with nothing done, if the session has ended, the user is disabled or the password hash is no longer
   * `passwordHash`, also in a race: a simultaneous end of the session either commits first and wins, or finds no session.
   */
  replace(
    replacement: Replacement,
    conditions: { readonly userId: string; readonly passwordHash: string | null },
    actor: Actor
  ): Promise<AddedSession | undefined>
  /**
   * Moves the row to the next generation by one conditional statement. Undefined, with nothing done, unless the row has
   * this generation and secret hash, was last rotated at least `graceSeconds` ago, is before both its ends, and its user is
   * not disabled.
   */
  rotate(attempt: RotationAttempt): Promise<IssuableSession | undefined>
  /** The row as it is now, even past its ends; undefined if there is none, or if `endAll` ended the session. */
  find(sid: string): Promise<LiveSession | undefined>
  /** Changes the row as a verdict asks and writes its event. False, with nothing done, if the row has changed since `seen`. */
  advance(seen: LiveSession, step: RotationStep, actor: Actor): Promise<boolean>
  /** Records the use of a server-side session: moves its idle end, at most to the absolute end. */
  touch(sid: string): Promise<void>
  /** Ends one session: deletes its row and writes the revocation and the event. Undefined if there is no such session. */
  end(target: EndTarget, reason: EndedReason, actor: Actor, details?: EndDetails): Promise<Revocation | undefined>
  /**
   * Ends a session as `logged_out`, as `end` does, unless it has another secret, has rotated past `newestGeneration`, or
   * is past one of its ends: undefined then.
   */
  endByToken(end: TokenEnd): Promise<Revocation | undefined>
  /** Ends all sessions of a user except `keepSid`. The user's `email_change` links die: a thief may have asked for them. */
  endAllOfUser(
    userId: string,
    options: {
      readonly keepSid?: string | undefined
      readonly reason: EndedReason
      readonly note?: string | undefined
    },
    actor: Actor
  ): Promise<readonly Revocation[]>
  /**
   * Ends all sessions of all users, with one revocation that names no session. Every method refuses these sessions from
   * then on; their rows go later. Sessions that are created afterwards live. All `email_change` links die. `count` is how
   * many sessions were created since the last `endAll`, at most `maxCountedRevoked`.
   */
  endAll(actor: Actor): Promise<{ readonly count: number; readonly revocation: Revocation }>
  /** The user's live sessions, newest first. */
  listOfUser(userId: string): Promise<readonly Session[]>
  /** The live sessions that match, newest first. */
  list(
    filter: { readonly userId?: string | undefined; readonly ip?: string | undefined },
    page: PageRequest
  ): Promise<Page<Session>>
  /** The number of live sessions, or `max` if there are more: the cost stays bounded however many rows there are. */
  count(max: number): Promise<number>
  /** Renames the device of one of the user's sessions; undefined if the user has no such session. */
  rename(sid: string, userId: string, device: string | null): Promise<Session | undefined>
}

/** The session to end. If `userId` or `secretHash` is given and differs from the row, nothing ends. */
export interface EndTarget {
  readonly sid: string
  readonly userId?: string | undefined
  readonly secretHash?: string | undefined
}

/** The end of the session of a token, which `actor` asks for. */
export interface TokenEnd {
  readonly sid: string
  readonly secretHash: string
  readonly newestGeneration: number
  readonly actor: Actor
}

export interface EndDetails {
  /** Why, as an admin wrote it. */
  readonly note?: string | undefined
  /** Whether a login in the same client replaces the session: then the event `replaced` is written too. */
  readonly isReplaced?: boolean
  /** Whether the user's `email_change` links die, as with `endAllOfUser`. */
  readonly endsAddressChanges?: boolean
}

/** Server-side sessions, looked up at every request. One may be some seconds old, but no revoked one is returned. */
export type SessionResolver = Pick<SessionStore, 'find' | 'touch'>
