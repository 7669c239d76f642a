import type { Random } from './random.js'

/** What the proxy can do to a request, besides carrying it late. */
export const faults = [
  'none',
  'drop_request',
  'cut_request_headers',
  'drop_response',
  'cut_response_headers',
  'duplicate'
] as const

export type Fault = (typeof faults)[number]

/** What happens to one request on its way, decided before it is sent. Times are milliseconds. */
export interface Journey {
  readonly fault: Fault
  /** How long the request is held before it is passed on. Requests held unequally overtake each other. */
  readonly up: number
  /** How long the response is held. */
  readonly down: number
  /** Whether a client that gets no answer is left waiting; its connection is cut otherwise. */
  readonly silent: boolean
}

export const plainJourney: Journey = { fault: 'none', up: 0, down: 0, silent: false }

/** How much of a client's patience a request or a response may be held for. */
export const heldShare = 0.3

const allFaults = ['none', 'none', 'none', ...faults] as const

/** Draws a journey that ends well before a client of this patience gives up. */
export function drawJourney(random: Random, patienceMilliseconds: number): Journey {
  const slowest = patienceMilliseconds * heldShare
  const held = () => (random.below(2) === 0 ? 0 : Math.round(random.between(0, slowest)))
  return {
    fault: random.pick(allFaults),
    up: held(),
    down: held(),
    silent: random.below(4) === 0
  }
}
