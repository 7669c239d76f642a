import type { Step } from './actions.js'
import { drawDelivery } from './deliveries.js'
import {
  type ClientKind,
  clientKindNames,
  clientKinds,
  mayLoseResponses,
  type Scenario,
  scenarios,
  thiefKindNames
} from './kinds.js'
import { type OpeningMove, openingOf } from './openings.js'
import { type Random, seededRandom } from './random.js'
import { drawTheft, drawThief, type ThiefPlan } from './thefts.js'

export interface ClientPlan {
  readonly kind: ClientKind
  readonly scenario: Scenario
  /** Undefined unless the scenario is `theft`. */
  readonly thief: ThiefPlan | undefined
  readonly opening: readonly OpeningMove[]
  readonly steps: readonly Step[]
}

/** Options of `race`. */
export interface RaceOptions {
  /** The addresses of the service's instances, each with the path prefix of Latchkey's routes. */
  readonly urls: readonly [string, ...string[]]
  /** The number of sessions. 28 have every kind of client in every scenario, and every kind of thief. */
  readonly clients: number
  /** How long they race. Signing in, the openings and settling take additional time, the last two nine times the grace. */
  readonly seconds: number
  /** The same seed tries the same things. */
  readonly seed: number
  /**
   * The grace to judge by if the service has no `GET /features`: its `REFRESH_GRACE_SECONDS`, above 0; 20 by default.
   * With a shorter grace, a run of the same length tries more.
   */
  readonly graceSeconds?: number | undefined
}

export interface ScheduleOptions extends Omit<RaceOptions, 'graceSeconds'> {
  readonly graceSeconds: number
}

/** The first attempts of a refresh meet drawn faults; later attempts meet none. */
const drawnAttempts = 3

/** Draws every action of the run. The same options give the same schedule. */
export function drawSchedule(options: ScheduleOptions): readonly ClientPlan[] {
  const random = seededRandom(options.seed)
  const kinds = clientKindNames.length
  const scenarioAt = (i: number) => scenarios[(i + Math.floor(i / (2 * kinds))) % scenarios.length] ?? 'plain'
  let thefts = 0
  return Array.from({ length: options.clients }, (_, i) => {
    const scenario = scenarioAt(i)
    if (scenario === 'theft') thefts += 1
    return drawPlan(random.fork(), clientKindNames[i % kinds] ?? 'tabs', scenario, thefts - 1, options)
  })
}

/** `theft` numbers the thefts of the run, so that every kind of thief occurs. */
function drawPlan(
  random: Random,
  kind: ClientKind,
  scenario: Scenario,
  theft: number,
  options: ScheduleOptions
): ClientPlan {
  const instances = options.urls.length
  const graceMilliseconds = options.graceSeconds * 1000
  const thiefKind = scenario === 'theft' ? (thiefKindNames[theft % thiefKindNames.length] ?? 'token') : undefined
  const opening = openingOf(random, { kind, scenario, thief: thiefKind, graceMilliseconds, instances })
  const endMilliseconds = options.seconds * 1000
  const steps = refreshSteps(random, kind, options)
  let thief: ThiefPlan | undefined
  if (scenario === 'ending') {
    const at = Math.round(random.between(0.3, 0.7) * endMilliseconds)
    steps.push({ do: 'end', at, instance: random.below(instances), by: random.pick(['itself', 'another_device']) })
  }
  if (thiefKind !== undefined) {
    const theftOptions = { endMilliseconds, graceMilliseconds, instances }
    thief = drawThief(random, thiefKind, theftOptions)
    steps.push(...drawTheft(random, thief, theftOptions))
  }
  return { kind, scenario, thief, opening, steps: steps.sort((a, b) => a.at - b.at) }
}

function refreshSteps(random: Random, kind: ClientKind, options: ScheduleOptions): Step[] {
  const grace = options.graceSeconds * 1000
  const mayLoseResponse = mayLoseResponses(kind)
  const steps: Step[] = []
  for (let at = random.between(0, grace / 2); at < options.seconds * 1000; at += drawPause(random, grace)) {
    const tabs = clientKinds[kind].mode === 'body' ? 1 : 1 + random.below(5)
    for (let tab = 0; tab < tabs; tab += 1) {
      const attempts = Array.from({ length: drawnAttempts }, () => drawDelivery(random, grace, mayLoseResponse))
      const jitter = random.between(0, 40)
      const instance = random.below(options.urls.length)
      steps.push({ do: 'refresh', at: Math.round(at + jitter), instance, origin: random.pick([0, 1]), attempts })
    }
  }
  return steps
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
