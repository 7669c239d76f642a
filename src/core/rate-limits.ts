/** How often something may happen under one key, such as an account or an address, within a window of time. */
export interface RateLimit {
  /** Part of the counter's key: two limits with the same name share their counters. */
  readonly name: string
  readonly max: number
  /** A window begins with the first use after the previous window has ended. */
  readonly windowSeconds: number
  /** Each instance counts for itself: a shared counter would cost more than it protects. */
  readonly perInstance?: true
}

const quarterHour = 900

/**
 * Guesses at the password of one account. A guess counts while it is being checked, and stays counted if it was wrong.
 * A stranger is a client without a device token of the account.
 */
export const guessLimits = {
  /** Strangers at one address: an attacker with one address reaches this limit before the limit of all strangers. */
  stranger: { name: 'guess-stranger', max: 10, windowSeconds: quarterHour },
  /** All strangers together: 100 an hour (NIST SP 800-63B-4 §3.2.2). */
  strangers: { name: 'guess-strangers', max: 25, windowSeconds: quarterHour },
  /** One device that has signed in to the account before. */
  device: { name: 'guess-device', max: 10, windowSeconds: quarterHour },
  /** All such devices together, so that collecting device tokens does not buy more guesses. */
  devices: { name: 'guess-devices', max: 50, windowSeconds: quarterHour },
  /** One session whose user is asked for the password again. */
  session: { name: 'guess-session', max: 10, windowSeconds: quarterHour }
} as const satisfies Record<string, RateLimit>

/**
 * Refreshes of one session: enough for ten tabs with F5 held down. The limit bounds the load of one client and protects no
 * secret, so it is not worth a shared counter's round trip at every refresh.
 */
export const refreshLimit: RateLimit = { name: 'refresh', max: 240, windowSeconds: 60, perInstance: true }
