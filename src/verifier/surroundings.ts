/** Clock, chance and patience: what tests put others in place of. */
export interface Surroundings {
  /** Milliseconds since the epoch. */
  now(): number
  /** At least 0, less than 1. */
  random(): number
  readonly timing: Timing
}

/** In milliseconds. */
export interface Timing {
  /** How long the issuer may take to hand out its keys. */
  readonly keysAnswer: number
  /** The least time between two fetches of the keys that failed. */
  readonly keysRetry: number
  /** The least time between two fetches of the keys that tokens with unknown keys have caused. */
  readonly unknownKeyCoolDown: number
  /** How long keys are used past their max-age while the issuer cannot be asked. */
  readonly keysStaleIfError: number
  /** How long the first tokens wait for what has been revoked so far. */
  readonly feedStart: number
  /** After so long a silence another connection to the feed is made: it tells every second that there is nothing new. */
  readonly feedPatience: number
  /** After so long a silence too little is known of what is revoked. */
  readonly feedSilence: number
  /** Before the second attempt to follow the feed; grows with the outage up to `feedLongestPause`. */
  readonly feedFirstPause: number
  readonly feedLongestPause: number
}

export const systemSurroundings: Surroundings = {
  now: Date.now,
  random: Math.random,
  timing: {
    keysAnswer: 3000,
    keysRetry: 1000,
    unknownKeyCoolDown: 10_000,
    keysStaleIfError: 3_600_000,
    feedStart: 5000,
    feedPatience: 5000,
    feedSilence: 15_000,
    feedFirstPause: 100,
    feedLongestPause: 5000
  }
}
