import type { LinkPurpose, MailKind, MailParameters } from '../core/mail.js'
import type { Actor, EventType } from './events.js'
import type { Page, PageRequest } from './paging.js'
import type { UserWithPassword } from './users.js'

/** A mail to be sent. Stores write it with the change that it tells of, in the same transaction. */
export type NewMail = {
  [Kind in MailKind]: {
    readonly id: string
    readonly kind: Kind
    /** The account that it is about. */
    readonly userId: string
    readonly recipient: string
    /** The language of the person; null for the default. */
    readonly locale: string | null
    readonly parameters: MailParameters<Kind>
    /** The link that the mail carries, if its kind has one. The sender derives the token. */
    readonly linkId?: string | undefined
  }
}[MailKind]

/** A link that works once. */
export interface NewLink {
  readonly id: string
  readonly purpose: LinkPurpose
  readonly userId: string
  /** What the link is about: the address to which it is mailed, or which it brings back. */
  readonly address: string
  /** SHA-256 of the token. */
  readonly tokenHash: string
  /**
   * The link is dead once the account has another address or password than this user. Undefined binds it to neither. As
   * long as the account waits for its confirmation, only the address counts: otherwise a stranger who registers the
   * address too could make the owner's links useless.
   */
  readonly boundTo?: Pick<UserWithPassword, 'email' | 'passwordHash'> | undefined
  /** Whether the link is sent by mail and shown to nobody. Its use then proves that the person reads the mail of `address`. */
  readonly mailed: boolean
  /** The key of an address that nobody else can take while the link lives. */
  readonly reservedEmailKey?: string | undefined
}

/** A one-time link that can still be used, and its account. */
export interface LiveLink extends Pick<NewLink, 'id' | 'purpose' | 'userId' | 'address' | 'tokenHash' | 'mailed'> {
  readonly user: UserWithPassword
}

/** The live `email_undo` link of an account. */
export interface UndoLink extends Pick<NewLink, 'id' | 'address' | 'mailed'> {}

/** A link, and the mail and the event that are written with it. */
export interface MadeLink {
  readonly link: NewLink
  readonly mail?: NewMail | undefined
  readonly event: {
    readonly type: EventType
    readonly userId?: string | undefined
    readonly reason?: string | undefined
    /** Why, in an admin's words. */
    readonly note?: string | undefined
  }
  /** Write as many rows, but make the link dead and never send the mail. */
  readonly pretend?: boolean | undefined
}

export interface LinkStore {
  /**
   * Writes a link, the mail that carries it, if any, and an event, all or nothing. Returns when the link expires. With
   * `pretend` it writes as many rows, and takes as long, but the link is dead and the mail is never sent: for an answer
   * that must not show whether there is an account.
   */
  create(made: MadeLink, actor: Actor): Promise<number>
  /**
   * The link, if it has one of `purposes` and can still be used: it is not used and not expired, and its account exists,
   * is not disabled, and has the address and the password to which the link is bound (`NewLink.boundTo`). An `email_undo`
   * link works for a disabled account too, so that its owner still gets the address back. The store method that makes the
   * change uses the link up. It checks all this again, so only one of several simultaneous uses succeeds.
   */
  find(
    presented: { readonly id: string; readonly tokenHash: string },
    purposes: readonly LinkPurpose[]
  ): Promise<LiveLink | undefined>
}

/** A mail that this instance is to send now. No other instance sends it before `leaseSeconds` are over. */
export interface ClaimedMail {
  readonly id: string
  /** A kind of `mailKinds`, or one that a newer version has written. */
  readonly kind: string
  readonly userId: string | null
  readonly recipient: string
  readonly locale: string | null
  readonly parameters: Readonly<Record<string, string | null>>
  readonly createdAt: number
  /** How often it was tried, this time included. */
  readonly attempts: number
  /** How old the mail is. */
  readonly ageSeconds: number
  /** The link that it carries; null if it carries none. 'dead' if that has been used or has expired. */
  readonly link: { readonly id: string; readonly purpose: LinkPurpose; readonly tokenHash: string } | 'dead' | null
}

/**
 * How a mail ended. `sent`: the mail server accepted it. `bounced`: the mail server refused it for good. `given_up`: it
 * could not be sent for a day. `dropped`: its link was used or is dead, or there were too many mails to the address.
 */
export type MailOutcome = 'sent' | 'bounced' | 'given_up' | 'dropped'

export interface MailBacklog {
  /** Counted up to 10,000. */
  readonly pending: number
  /** How long ago the oldest of them was written; 0 without any. */
  readonly oldestSeconds: number
}

/** The mails in the database, for the sender. Instances may use it at the same time. */
export interface Outbox {
  /**
   * Takes up to `max` mails that are due, the longest due first. The life of a mail's link begins anew, because nobody has
   * its token yet.
   */
  claim(max: number, leaseSeconds: number): Promise<readonly ClaimedMail[]>
  /** Notes how a claimed mail ended, with an event if it was bounced or given up. Does nothing if the lease was lost. */
  finish(mail: ClaimedMail, outcome: MailOutcome, error?: string): Promise<void>
  /** Tries a claimed mail again after a pause. Does nothing if the lease was lost. */
  retry(mail: ClaimedMail, pauseSeconds: number, error: string): Promise<void>
  backlog(): Promise<MailBacklog>
}

/** What became of a mail so far. */
export const mailStates = ['pending', 'sent', 'bounced', 'given_up', 'dropped'] as const satisfies readonly (
  | 'pending'
  | MailOutcome
)[]
export type MailState = (typeof mailStates)[number]

/** A mail as admins see it: neither its content nor its link. */
export interface MailRecord {
  readonly id: string
  /** A kind of `mailKinds`, or one that a newer version has written. */
  readonly kind: string
  readonly userId: string | null
  readonly recipient: string
  readonly state: MailState
  /** How often it was tried. */
  readonly attempts: number
  readonly createdAt: number
  /** Null once the mail is done. */
  readonly nextAttemptAt: number | null
  readonly doneAt: number | null
  /** The mail server's last reply, or why it could not be reached. Never with a token. */
  readonly lastError: string | null
}

/**
 * The mails that wait and those of the last 7 days, for admins. Without the mails to nobody, which only hide that an
 * address has no account.
 */
export interface MailLog {
  /** Newest first. */
  list(
    filter: { readonly userId?: string | undefined; readonly state?: MailState | undefined },
    page: PageRequest
  ): Promise<Page<MailRecord>>
  /** How many mails are in each state, each counted up to `max`. */
  count(max: number): Promise<Readonly<Record<MailState, number>>>
}

/** How use cases see the sending of mail. */
export interface MailQueue {
  /** Whether mail is sent, or printed for development. Otherwise what needs mail is refused with `mail_not_configured`. */
  readonly isConfigured: boolean
  /** Whether mails are only printed into the log, for development. */
  readonly printsOnly: boolean
  /** Sends new mails soon. Called after the commit that wrote them. Returns at once, and never throws. */
  wake(): void
}

/** A mail as it is sent. */
export interface OutgoingMail {
  /** The same for every attempt (RFC 5322 §3.6.4), so that a receiver can recognize a second copy. */
  readonly messageId: string
  readonly kind: string
  readonly to: string
  /** The tag of its language (RFC 5646), for `Content-Language`. */
  readonly language: string
  readonly subject: string
  readonly text: string
  readonly html: string
  /** The link that the mail carries, if it carries one. A secret. */
  readonly link?: string | undefined
}

/**
 * Sends one mail; resolves once it was accepted. Throws `MailRefused` if trying again would not help, and any other error
 * if it may. `signal` is aborted when it has taken too long; the mail then counts as not sent.
 */
export type Mailer = (mail: OutgoingMail, signal: AbortSignal) => Promise<void>
