import { type Random, seededRandom } from './random.js'

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

/** The largest delay of a request or a response, as a share of the client's timeout. */
export const maxDelayShare = 0.3

const weightedFaults = ['none', 'none', 'none', ...faults] as const

/**
 * `tabs` share a cookie jar and refresh concurrently. `turns` are tabs that refresh one after the other. A `phone`
 * uses body mode and refreshes one after the other.
 */
export const clientKinds = ['tabs', 'turns', 'phone'] as const
export type ClientKind = (typeof clientKinds)[number]

/** What happens to a session besides network faults. `plain` is listed twice, so half of the sessions have it. */
export const scenarios = ['plain', 'plain', 'theft', 'ending'] as const
export type Scenario = (typeof scenarios)[number]

/** One action of a client or a thief, `at` milliseconds after the start, against the instance with this number. */
export type Step = { readonly at: number; readonly instance: number } & (
  | { readonly do: 'refresh'; readonly attempts: readonly Delivery[] }
  /** The thief copies the client's newest token, or the token `back` generations before it. */
  | { readonly do: 'steal'; readonly back: number }
  /** The thief refreshes with its newest token, or with the token `back` generations before it. */
  | { readonly do: 'use_stolen'; readonly back: number; readonly withKey: boolean }
  | { readonly do: 'end'; readonly by: 'itself' | 'another_device' }
)

export interface ClientPlan {
  readonly kind: ClientKind
  readonly scenario: Scenario
  readonly steps: readonly Step[]
}

/** Options of `race`. */
export interface RaceOptions {
  /** The addresses of the service's instances, each with the path prefix of Latchkey's routes. */
  readonly urls: readonly [string, ...string[]]
  /** The number of sessions. */
  readonly clients: number
  /** How long they race. Signing in and settling take additional time. */
  readonly seconds: number
  /** The same seed tries the same things. */
  readonly seed: number
  /** The service's `REFRESH_GRACE_SECONDS`, above 0. With a shorter grace, a run of the same length tries more. */
  readonly graceSeconds: number
}

/** The first attempts of a refresh meet drawn faults; later attempts meet none. */
const drawnAttempts = 3

/** Draws every action of the run. The same options give the same schedule. */
export function drawSchedule(options: RaceOptions): readonly ClientPlan[] {
  const random = seededRandom(options.seed)
  return Array.from({ length: options.clients }, (_, i) => drawPlan(random.fork(), i, options))
}

function drawPlan(random: Random, i: number, options: RaceOptions): ClientPlan {
  const kind = clientKinds[i % clientKinds.length] ?? 'tabs'
  const scenario = scenarios[Math.floor(i / clientKinds.length) % scenarios.length] ?? 'plain'
  const steps = [...refreshSteps(random, kind, options), ...scenarioSteps(random, scenario, options)]
  return { kind, scenario, steps: steps.sort((a, b) => a.at - b.at) }
}

function refreshSteps(random: Random, kind: ClientKind, options: RaceOptions): Step[] {
  const grace = options.graceSeconds * 1000
  const steps: Step[] = []
  for (let at = random.between(0, grace / 2); at < options.seconds * 1000; at += drawPause(random, grace)) {
    const tabs = kind === 'phone' ? 1 : 1 + random.below(5)
    for (let tab = 0; tab < tabs; tab += 1) {
      const attempts = Array.from({ length: drawnAttempts }, () => drawDelivery(random, grace / 2))
      const jitter = random.between(0, 40)
      const instance = random.below(options.urls.length)
      steps.push({ do: 'refresh', at: Math.round(at + jitter), instance, attempts })
    }
  }
  return steps
}

/** Draws a delivery whose delays end well before the client's timeout. */
function drawDelivery(random: Random, timeoutMilliseconds: number): Delivery {
  const maxDelay = timeoutMilliseconds * maxDelayShare
  const drawDelay = () => (random.below(2) === 0 ? 0 : Math.round(random.between(0, maxDelay)))
  return {
    fault: random.pick(weightedFaults),
    requestDelay: drawDelay(),
    responseDelay: drawDelay(),
    hangs: random.below(4) === 0
  }
}

/** Some pauses end within the grace window, some at its edge, some after it. */
function drawPause(random: Random, grace: number): number {
  const [min, max] = random.pick([
    [0.05, 0.4],
    [0.4, 0.9],
    [0.9, 1.15],
    [1.1, 2]
  ])
  return random.between(min * grace, max * grace)
}

function scenarioSteps(random: Random, scenario: Scenario, options: RaceOptions): Step[] {
  const end = options.seconds * 1000
  const instance = () => random.below(options.urls.length)
  switch (scenario) {
    case 'plain':
      return []
    case 'ending': {
      const at = Math.round(random.between(0.3, 0.7) * end)
      return [{ do: 'end', at, instance: instance(), by: random.pick(['itself', 'another_device']) }]
    }
    case 'theft': {
      const firstTheft = Math.round(random.between(0.1, 0.6) * end)
      const withKey = random.below(3) === 0
      const steps: Step[] = [{ do: 'steal', at: firstTheft, instance: 0, back: random.below(4) }]
      // Half of the thieves steal once; the others steal an older token before each use.
      const stealsAgain = random.below(2) === 0
      const grace = options.graceSeconds * 1000
      for (let use = firstTheft + random.between(0, 2 * grace); use < end; use += random.between(0.2, 2.5) * grace) {
        const at = Math.round(use)
        const drawn = random.pick([0, 0, 0, 1, 2])
        const back = stealsAgain ? 0 : drawn
        if (stealsAgain) steps.push({ do: 'steal', at, instance: 0, back: random.pick([1, 2, 2, 3]) })
        steps.push({ do: 'use_stolen', at, instance: instance(), back, withKey })
      }
      return steps
    }
  }
}
