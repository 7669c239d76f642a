/** Clock, randomness and timeouts; tests replace them. */
export interface Runtime {
  /** Milliseconds since the epoch. */
  now(): number
  /** At least 0, less than 1. */
  random(): number
  readonly timing: Timing
}

/** In milliseconds. */
export interface Timing {
  /** Timeout of a request for the issuer's keys. */
  readonly keysTimeout: number
  /** Minimum time between a failed fetch of the keys and the next. */
  readonly keysRetryDelay: number
  /** Minimum time between two fetches of the keys because of an unknown `kid`. */
  readonly unknownKeyDelay: number
  /** How long keys are used after their max-age while the issuer cannot be reached. */
  readonly keysStaleIfError: number
  /** How long the first tokens wait for the past entries of the feed. */
  readonly feedStartTimeout: number
  /** The feed sends something every second. After this silence the verifier connects again. */
  readonly feedReconnectAfter: number
  /** After this silence the feed counts as stale. */
  readonly feedStaleAfter: number
  /** Delay before the second connection to the feed; it grows with the outage up to `feedMaxDelay`. */
  readonly feedMinDelay: number
  readonly feedMaxDelay: number
}

export const systemRuntime: Runtime = {
  now: Date.now,
  random: Math.random,
  timing: {
    keysTimeout: 3000,
    keysRetryDelay: 1000,
    unknownKeyDelay: 10_000,
    keysStaleIfError: 3_600_000,
    feedStartTimeout: 5000,
    feedReconnectAfter: 5000,
    feedStaleAfter: 15_000,
    feedMinDelay: 100,
    feedMaxDelay: 5000
  }
}
