import { timeoutShare } from './kinds.js'
import type { Random } from './random.js'

/** What the proxy can do to a request, besides delaying it. */
export const faults = [
  'none',
  'drop_request',
  'cut_request_headers',
  'drop_response',
  'cut_response_headers',
  'duplicate'
] as const

export type Fault = (typeof faults)[number]

/** How the proxy carries one request, decided before it is sent. Delays are in milliseconds. */
export interface Delivery {
  readonly fault: Fault
  /** Different delays make requests overtake each other. */
  readonly requestDelay: number
  readonly responseDelay: number
  /** Whether the connection of a client that gets no response stays open; otherwise it is cut. */
  readonly hangs: boolean
}

export const normalDelivery: Delivery = { fault: 'none', requestDelay: 0, responseDelay: 0, hangs: false }

export const lostResponse: Delivery = { ...normalDelivery, fault: 'drop_response' }

/** The largest delay of a request or a response, as a share of the client's timeout. */
export const maxDelayShare = 0.3

const weightedFaults = ['none', 'none', 'none', ...faults] as const
const losesNoResponse = ['none', 'none', 'none', 'drop_request', 'cut_request_headers', 'duplicate'] as const

/** Draws a delivery whose delays end well before the client's timeout. */
export function drawDelivery(random: Random, graceMilliseconds: number, mayLoseResponse: boolean): Delivery {
  const maxDelay = graceMilliseconds * timeoutShare * maxDelayShare
  const drawDelay = () => (random.below(2) === 0 ? 0 : Math.round(random.between(0, maxDelay)))
  return {
    fault: mayLoseResponse ? random.pick(weightedFaults) : random.pick(losesNoResponse),
    requestDelay: drawDelay(),
    responseDelay: drawDelay(),
    hangs: random.below(4) === 0
  }
}
