import type { EndedReason } from '../core/vocabulary.js'
import type { Page, PageRequest } from './paging.js'

/** Who did something, and from where, for the event log. */
export interface Actor {
  /** The user who acted, where one is known. Not always the user it was done to. */
  readonly userId?: string | undefined
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

export const eventTypes = [
  'user_registered',
  'login_succeeded',
  'login_failed',
  'session_ended',
  'refresh_recovered',
  'refresh_restored',
  'password_changed',
  'password_refused',
  'user_disabled',
  'user_enabled',
  'user_deleted',
  'roles_changed',
  'everybody_revoked',
  'signing_key_rotated'
] as const

export type EventType = (typeof eventTypes)[number]

export interface AuditEvent {
  readonly id: string
  readonly type: EventType
  readonly at: number
  readonly userId: string | null
  readonly sessionId: string | null
  readonly actorId: string | null
  /** Why, in one of our words: an `EndedReason` where a session ended. */
  readonly reason: string | null
  /** Why, in the words of whoever did it. */
  readonly note: string | null
  readonly ip: string | null
  readonly userAgent: string | null
}

export interface EventLog {
  /** Writes an event that goes with no change of any other row. */
  record(
    event: { readonly type: EventType; readonly userId?: string | undefined; readonly reason?: string | undefined },
    actor: Actor
  ): Promise<void>
  /** Newest first. Those of a session take in the end of everybody's, where that ended it. */
  list(
    filter: {
      readonly type?: EventType | undefined
      readonly userId?: string | undefined
      readonly sessionId?: string | undefined
    },
    page: PageRequest
  ): Promise<Page<AuditEvent>>
  /** Why the session ended; undefined where nobody remembers it. */
  endedReason(sid: string): Promise<EndedReason | undefined>
}
