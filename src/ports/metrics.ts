/** The decisions about users, and their possible outcomes. Both are labels of metrics, so they are few. */
export const decisions = {
  login: ['succeeded', 'unknown_email', 'wrong_password', 'user_disabled', 'user_changed', 'limited'],
  registration: ['succeeded', 'email_taken', 'closed', 'limited'],
  reauthentication: ['succeeded', 'wrong_password', 'limited'],
  access: ['insufficient_scope', 'forbidden_origin', 'not_found'],
  refresh: [
    'rotated',
    'current',
    'access_only',
    'replayed',
    'replayed_late',
    'recovered',
    'recovered_again',
    'restored',
    'reuse',
    'ended',
    'refused',
    'limited'
  ]
} as const

export type DecisionKind = keyof typeof decisions

export type Outcome<Kind extends DecisionKind> = (typeof decisions)[Kind][number]

/** Counts and logs decisions. */
export interface Decisions {
  /** Notes a decision after its commit. Never throws. Must not be given secrets. */
  note<Kind extends DecisionKind>(
    kind: Kind,
    outcome: Outcome<Kind>,
    about?: {
      readonly sid?: string | undefined
      readonly userId?: string | undefined
      readonly ip?: string | undefined
      readonly route?: string
    }
  ): void
}

/** What this process did within one minute. */
export interface MinuteCounts {
  /** The start of the minute, in milliseconds since the epoch. */
  readonly at: number
  /** Logins that succeeded. */
  readonly logins: number
  /** Refreshes that were answered with tokens. */
  readonly refreshes: number
  /** Entries added to the revocation feed; the end of all sessions is one entry. */
  readonly revocations: number
  /** Sessions that ended because an old refresh token was used again. */
  readonly reuse: number
}

/** What this process has counted. */
export interface Metrics {
  /** The media type of `text()`. */
  readonly contentType: string
  /** All metrics in the text format of Prometheus. */
  text(): Promise<string>
  /** The last sixty minutes including the current one, oldest first. */
  lastHour(): readonly MinuteCounts[]
  countResponse(status: number): void
}

/** The work in a queue now. */
export interface QueueLoad {
  readonly running: number
  readonly waiting: number
}
