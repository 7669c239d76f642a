/** What is decided about a person, and what it can come to: few words each, because they are labels of metrics. */
export const decisions = {
  login: ['succeeded', 'unknown_email', 'wrong_password', 'user_disabled', 'user_changed', 'limited'],
  registration: ['succeeded', 'email_taken'],
  refresh: ['rotated', 'current', 'replayed', 'recovered', 'restored', 'reuse', 'ended', 'refused', 'limited']
} as const

export type DecisionKind = keyof typeof decisions

export type Outcome<Kind extends DecisionKind> = (typeof decisions)[Kind][number]

/** Counts what was decided, and logs it. */
export interface Decisions {
  /** Called once the decision is committed. Never throws; nothing that is secret goes in. */
  note<Kind extends DecisionKind>(
    kind: Kind,
    outcome: Outcome<Kind>,
    about?: { readonly sid?: string | undefined; readonly userId?: string | undefined }
  ): void
}

/** What this process has done within one minute, which began at `at`. */
export interface MinuteCounts {
  readonly at: number
  /** Logins that succeeded. */
  readonly logins: number
  /** Refreshes that were answered with tokens. */
  readonly refreshes: number
  /** Entries that were added to the feed of revocations; everybody's sessions are one. */
  readonly revocations: number
  /** Sessions that ended because an old refresh token came back. */
  readonly reuse: number
}

/** What this process has counted and sees now. */
export interface Metrics {
  readonly contentType: string
  /** In the text that Prometheus reads. */
  text(): Promise<string>
  /** The last sixty minutes, the present one included, oldest first. */
  lastHour(): readonly MinuteCounts[]
  countResponse(status: number): void
}

/** What a queue holds at this moment. */
export interface QueueLoad {
  readonly running: number
  readonly waiting: number
}
