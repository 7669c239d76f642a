/** Clock, randomness, network and timeouts; tests replace them. */
export type Runtime = typeof systemRuntime

export const systemRuntime = {
  /** Milliseconds since the epoch. */
  now: Date.now,
  /** At least 0, less than 1. */
  random: Math.random,
  /** Looks the global `fetch` up at each call, because a test may replace it. */
  fetch: (async (input, init) => fetch(input, init)) as typeof globalThis.fetch,
  /** In milliseconds. */
  timing: {
    /** Timeout of a request for the issuer's keys. */
    keysTimeout: 3000,
    /** Minimum time between a failed fetch of the keys and the next. */
    keysRetryDelay: 1000,
    /** Minimum time between two fetches of the keys because of an unknown `kid`. */
    unknownKeyDelay: 10_000,
    /** How long keys are used after their max-age while the issuer cannot be reached. */
    keysStaleIfError: 3_600_000,
    /** How long the first tokens wait for the past entries of the feed. */
    feedStartTimeout: 5000,
    /** The feed sends something every second. After this silence the verifier connects again. */
    feedReconnectAfter: 5000,
    /** After this silence the feed counts as stale. */
    feedStaleAfter: 15_000,
    /** Delay before the second connection to the feed; it grows with the outage up to `feedMaxDelay`. */
    feedMinDelay: 100,
    feedMaxDelay: 5000
  }
}
