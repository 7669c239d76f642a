/**
 * The promises that a race checks, by name.
 *
 * @example
 * ```ts
 * import { promises } from 'latchkey/testing'
 *
 * console.log(promises.honest_goes_on) // No honest client is signed out
 * ```
 */
export const promises = {
  honest_goes_on: 'No honest client is signed out',
  divergence_caught:
    'A thief and a client do not both go on; a token two generations old works only with the newest key',
  key_counts: 'Once a session uses a key, an older token without it gets no newer token inside the window',
  late_leaves_event: 'A late token that is answered with a newer one leaves an event',
  no_oracle: 'The list of sessions does not tell when a session is refreshed',
  one_chain: 'A session has one chain of tokens and one row',
  once_in_a_window: 'A session rotates at most once in a grace window',
  stays_ended: 'An ended session stays ended, and within a second every instance refuses its access tokens',
  announced_only: 'Every 5xx is a 503 with Retry-After'
} as const

/** The name of one of the `promises`. */
export type PromiseName = keyof typeof promises

/** One case where the service broke a promise; `what` describes it for people. */
export interface Violation {
  readonly promise: PromiseName
  readonly sid: string
  readonly what: string
}
