import type { Revocation } from '../core/revocation-set.js'
import type { RotationState } from '../core/rotation.js'
import type { EndedReason, Mode } from '../core/vocabulary.js'
import type { Actor } from './events.js'
import type { Page, PageRequest } from './paging.js'
import type { User } from './users.js'

/** A session, without its secrets. Times are milliseconds since the epoch by the database's clock. */
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
  /** When it ends if it is not used; moves with each use. */
  readonly idleExpiresAt: number
  /** When it ends at the latest. */
  readonly absoluteExpiresAt: number
}

export interface NewSession {
  readonly id: string
  readonly userId: string
  readonly mode: Mode
  readonly secretHash: string
  readonly device: string | null
  readonly userAgent: string | null
  readonly ip: string | null
  /** How the person proved who they are (RFC 8176). */
  readonly amr: readonly string[]
  readonly idleTtlSeconds: number
  readonly absoluteTtlSeconds: number
}

/** A live session together with what its access token must say, and the clock's word on it. */
export interface LiveSession extends Session, RotationState {
  readonly secretHash: string
  readonly amr: readonly string[]
  /** When the person last proved who they are. */
  readonly authTime: number
  readonly user: User
  /** The database's clock when this was read. */
  readonly now: number
}

/** The one statement of a common refresh: this token, if the row still stands at its generation. */
interface RotationAttempt {
  readonly sid: string
  readonly generation: number
  readonly secretHash: string
  readonly retryKeyHash: string | null
}

/** What of a row changes when a verdict is carried out. */
export interface RotationStep {
  readonly kind: 'renew' | 'recover' | 'restore'
  /** The row's generation afterwards. */
  readonly generation: number
  readonly retryKeyHash: string | null
}

export interface SessionStore {
  /**
   * Adds a session for a user who is not disabled and whose password hash is still the one the
   * login proved; 'user_changed' otherwise, whatever changes at the same moment. The user's oldest
   * sessions above `maxPerUser` end with `session_limit`, and `replaces`, where given, ends with
   * `logged_out`. Writes `login_succeeded`.
   */
  create(
    session: NewSession,
    conditions: { readonly passwordHash: string; readonly maxPerUser: number; readonly replaces?: string | undefined },
    actor: Actor
  ): Promise<{ readonly session: LiveSession; readonly revocations: readonly Revocation[] } | 'user_changed'>
  /**
   * Rotates by one conditional statement: id, generation, secret hash, last rotation at least
   * `graceSeconds` ago, both ends ahead, user not disabled. Undefined where any of them does not hold.
   */
  rotate(attempt: RotationAttempt): Promise<LiveSession | undefined>
  /** The row as it is now, even past its ends; undefined once it has gone. */
  find(sid: string): Promise<LiveSession | undefined>
  /** Carries out a verdict on the row as it was `seen`, and writes its event; false where it has moved meanwhile. */
  advance(seen: LiveSession, step: RotationStep, actor: Actor): Promise<boolean>
  /** Notes that a server-side session was used: moves its idle end, at most to the absolute one. */
  touch(sid: string): Promise<void>
  /** Ends one session: deletes the row, writes the revocation and the event, all or nothing. Undefined where it had gone. */
  end(target: EndTarget, reason: EndedReason, actor: Actor, note?: string): Promise<Revocation | undefined>
  /** Ends every session of a user but `keepSid`. */
  endAllOfUser(
    userId: string,
    options: {
      readonly keepSid?: string | undefined
      readonly reason: EndedReason
      readonly note?: string | undefined
    },
    actor: Actor
  ): Promise<readonly Revocation[]>
  /** Ends everybody's sessions, with one revocation that names none. */
  endEverybodys(actor: Actor): Promise<{ readonly count: number; readonly revocation: Revocation }>
  /** The user's live sessions, newest first. */
  listOfUser(userId: string): Promise<readonly Session[]>
  /** Live sessions, newest first. */
  list(
    filter: { readonly userId?: string | undefined; readonly ip?: string | undefined },
    page: PageRequest
  ): Promise<Page<Session>>
  /** How many sessions are live; counts no further than `most`, so that it is bounded whatever the table holds. */
  count(most: number): Promise<number>
  /** Gives the user's session another device name; undefined where it is not there or not theirs. */
  rename(sid: string, userId: string, device: string | null): Promise<Session | undefined>
}

/** Which session to end; a user id or a secret's hash that does not fit ends nothing. */
export interface EndTarget {
  readonly sid: string
  readonly userId?: string | undefined
  readonly secretHash?: string | undefined
}

/** Server-side sessions, resolved at every request; each may be some seconds old, and none outlives an entry of the feed. */
export type SessionResolver = Pick<SessionStore, 'find' | 'touch'>
