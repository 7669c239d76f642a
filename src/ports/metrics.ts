/** The decisions about users, and their possible outcomes. Both are labels of metrics, so they are few. */
export const decisions = {
  login: [
    'succeeded',
    'unknown_email',
    'wrong_password',
    'user_disabled',
    'user_changed',
    'email_not_verified',
    'limited'
  ],
  registration: ['succeeded', 'repeated', 'email_taken', 'closed', 'limited'],
  reauthentication: ['succeeded', 'wrong_password', 'limited'],
  password_reset: ['requested', 'unknown_email', 'limited', 'started', 'succeeded', 'refused'],
  email_verification: ['requested', 'limited', 'succeeded', 'refused'],
  client_token: ['issued', 'invalid_client', 'invalid_scope', 'limited'],
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
      readonly clientId?: string | undefined
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
  /** Makes the metrics show the number of open connections. `count` is called whenever they are read. */
  showConnections(count: () => number): void
  /** Notes a response of one of our routes. */
  noteResponse(response: {
    readonly method: string
    /** The pattern of the route, never a path: paths are many, and can hold tokens. */
    readonly route: string
    readonly status: number
    /** From the arrival of the request to the end of the response. */
    readonly seconds: number
  }): void
}

/** Watches a server that the service needs: the database, or Redis. */
export interface ServerWatch {
  /** Runs an operation on the server, and measures how long it takes. */
  time<T>(operation: () => Promise<T>): Promise<T>
  /** Notes that the server has served an operation. */
  served(): void
  /** Notes that the server could not serve an operation, because of `error`. */
  failed(error: unknown): void
}

/** The work in a queue now. */
export interface QueueLoad {
  readonly running: number
  readonly waiting: number
}
