import fc from 'fast-check'

/** What the network does to one request and its response. Delays are in whole seconds. */
export interface Journey {
  readonly up: number
  /** How long the server pauses between reading the row and writing its verdict. */
  readonly pause: number
  readonly down: number
  readonly requestLost: boolean
  readonly responseLost: boolean
  /** When a second copy of the request arrives, if the network made one. */
  readonly copy: number | null
  /** Whether the client receives the response to the copy instead of the first. */
  readonly copyReceived: boolean
  /** Of two events in the same second, the one with the smaller order comes first. */
  readonly order: number
}

export type Step =
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'refresh'; readonly journey: Journey }
  /** The thief copies a token that the client received: the `back`th before the newest. */
  | { readonly do: 'steal'; readonly back: number }
  | { readonly do: 'abuse'; readonly back: number; readonly withKey: boolean; readonly journey: Journey }
  | { readonly do: 'revoke' }

const journey: fc.Arbitrary<Journey> = fc.record({
  up: fc.nat(3),
  pause: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.constant(1)),
  down: fc.nat(3),
  requestLost: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
  responseLost: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
  copy: fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, fc.nat(3)),
  copyReceived: fc.boolean(),
  order: fc.nat(3)
})

const wait: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('wait' as const),
  seconds: fc.oneof({ weight: 5, arbitrary: fc.nat(3) }, { weight: 3, arbitrary: fc.nat(9) }, fc.nat(60))
})
const refresh: fc.Arbitrary<Step> = fc.record({ do: fc.constant('refresh' as const), journey })
const steal: fc.Arbitrary<Step> = fc.record({ do: fc.constant('steal' as const), back: fc.nat(3) })
const abuse: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('abuse' as const),
  back: fc.nat(2),
  withKey: fc.boolean(),
  journey
})
const revoke: fc.Arbitrary<Step> = fc.constant({ do: 'revoke' })

/** Refreshes from any number of tabs, with pauses, on any network. */
export const honestScript = fc.array(fc.oneof({ weight: 5, arbitrary: wait }, { weight: 6, arbitrary: refresh }), {
  minLength: 1,
  maxLength: 60,
  size: 'max'
})

/** The same with a thief, and sometimes a revocation. */
export const contestedScript = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: wait },
    { weight: 8, arbitrary: refresh },
    { weight: 2, arbitrary: steal },
    { weight: 6, arbitrary: abuse },
    { weight: 1, arbitrary: revoke }
  ),
  { minLength: 1, maxLength: 60, size: 'max' }
)

/** Steps of scripts that a test writes itself. */
export const waitFor = (seconds: number): Step => ({ do: 'wait', seconds })
export const refreshOnce = (journey: Partial<Journey> = {}): Step => ({
  do: 'refresh',
  journey: { ...plain, ...journey }
})
export const stealNewest: Step = { do: 'steal', back: 0 }
export const abuseToken = (back: number, withKey: boolean): Step => ({ do: 'abuse', back, withKey, journey: plain })

const plain: Journey = {
  up: 0,
  pause: 0,
  down: 0,
  requestLost: false,
  responseLost: false,
  copy: null,
  copyReceived: false,
  order: 0
}

/** A reliable network at the end: a client that is still signed in then holds the newest token. */
export const quietEnd: readonly Step[] = [waitFor(20), refreshOnce(), waitFor(20), refreshOnce(), waitFor(20)]
