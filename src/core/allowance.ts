/** How often something may be done under one key, such as an account or an address, in a window of time. */
export interface Allowance {
  /** Part of what is counted under: two allowances of one name share their counts. */
  readonly name: string
  readonly max: number
  /** Begins with the first use after the window before. */
  readonly windowSeconds: number
  /** Counted by each instance for itself, where asking elsewhere would cost more than it protects. */
  readonly perInstance?: true
}

const quarterHour = 900

/**
 * Guesses at one account's password. Wrong ones count; one that is under way counts until it is known
 * to be right. A stranger is a client without a device token of the account.
 */
export const guesses = {
  /** Of strangers at one address: whoever attacks from one address stops himself first. */
  stranger: { name: 'guess-stranger', max: 10, windowSeconds: quarterHour },
  /** Of all strangers together: 100 an hour (NIST SP 800-63B-4 §3.2.2). */
  strangers: { name: 'guess-strangers', max: 25, windowSeconds: quarterHour },
  /** Of one device that has signed in to the account before. */
  device: { name: 'guess-device', max: 10, windowSeconds: quarterHour },
  /** Of all those devices together, so that collecting device tokens buys no endless guesses. */
  devices: { name: 'guess-devices', max: 50, windowSeconds: quarterHour },
  /** Of one session, whose holder is asked for the password again. */
  session: { name: 'guess-session', max: 10, windowSeconds: quarterHour }
} as const satisfies Record<string, Allowance>

/**
 * Refreshes of one session: what ten tabs with a held F5 may need. It bounds the load that one client
 * makes and guards no secret, so it is not worth another round trip at every refresh.
 */
export const refreshesOfSession: Allowance = { name: 'refresh', max: 240, windowSeconds: 60, perInstance: true }
