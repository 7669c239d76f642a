import type { EndedReason } from '../core/vocabulary.js'
import type { Page, PageRequest } from './paging.js'

/** Events that show when a client has refreshed. */
export const refreshEventTypes: readonly EventType[] = ['refresh_recovered', 'refresh_restored']

/** Who acts, and from where, for the event log. */
export interface Actor {
  /** The user who acts, if known; not always the user who is affected. */
  readonly userId?: string | undefined
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

/** The actors that have no address. In the event log these names stand in place of a user agent. */
export const commandLine: Actor = { userAgent: 'latchkey command line' }
export const hostApp: Actor = { userAgent: 'latchkey host' }

export const eventTypes = [
  'user_registered',
  'login_succeeded',
  'login_failed',
  'session_ended',
  'refresh_recovered',
  'refresh_restored',
  'password_changed',
  'password_refused',
  'password_reset_requested',
  'password_reset_started',
  'password_reset',
  'password_removed',
  'user_invited',
  'email_verification_requested',
  'email_verified',
  'email_change_requested',
  'email_changed',
  'email_change_undone',
  'reauthenticated',
  'notice_turned_off',
  'user_disabled',
  'user_enabled',
  'user_deleted',
  'roles_changed',
  'attributes_changed',
  'external_id_changed',
  'everybody_revoked',
  'registrations_above_usual',
  'signing_key_rotated',
  'client_created',
  'client_secret_added',
  'client_secret_deleted',
  'client_deleted',
  'mail_bounced',
  'mail_given_up'
] as const

export type EventType = (typeof eventTypes)[number]

export interface AuditEvent {
  readonly id: string
  readonly type: EventType
  readonly at: number
  /** How many such events the entry stands for: 1, or the sum of a flood. */
  readonly count: number
  readonly userId: string | null
  /** The session, or the secret of a client. */
  readonly sessionId: string | null
  /** The machine client that the event is about. */
  readonly clientId: string | null
  readonly actorId: string | null
  /**
   * A word that says why: an `EndedReason` if a session ended, a `RecoveryReason` for `refresh_recovered`, a `MailKind`
   * for mails and `notice_turned_off`, `invitation` for a `password_reset` by an invitation, `host` for
   * `user_registered`, `login_succeeded` and `reauthenticated` by the app that has Latchkey as its plugin.
   */
  readonly reason: string | null
  /**
   * Why, as the admin wrote it. For `attributes_changed` the names of the changed members, separated by commas. For
   * `external_id_changed` the previous external id, for `user_deleted` the last one.
   */
  readonly note: string | null
  readonly ip: string | null
  readonly userAgent: string | null
}

/** How a session ended. */
interface Ending {
  /** The first reason: an ended session does not end again. */
  readonly reason: EndedReason
  /** Whether a login in the same client replaced the session too, after it had ended or as it ended for `reason`. */
  readonly alsoReplaced: boolean
}

export interface EventLog {
  /** Writes an event that belongs to no change of another row. Stores write the other events with their changes. */
  record(
    event: {
      readonly type: EventType
      readonly userId?: string | undefined
      readonly sessionId?: string | undefined
      readonly reason?: string | undefined
    },
    actor: Actor
  ): Promise<void>
  /** The events that match, newest first. With `sessionId`, the end of all sessions too if it ended this session. */
  list(
    filter: {
      readonly type?: EventType | undefined
      readonly userId?: string | undefined
      readonly sessionId?: string | undefined
      /** Leaves out the refresh events of live sessions from this time on. */
      readonly refreshesBefore?: number | undefined
    },
    page: PageRequest
  ): Promise<Page<AuditEvent>>
  /** How the session ended; undefined if the log has no event of its end (any more). */
  endingOf(sid: string): Promise<Ending | undefined>
}
