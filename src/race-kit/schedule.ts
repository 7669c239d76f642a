import { drawJourney, type Journey } from './journey.js'
import { type Random, seededRandom } from './random.js'

/**
 * How a client holds its session. `tabs` share one cookie jar and refresh at once; tabs that take `turns`, and a
 * `phone` in body mode, one after the other.
 */
export const clientKinds = ['tabs', 'turns', 'phone'] as const
export type ClientKind = (typeof clientKinds)[number]

/** What befalls a session besides the network. */
export const stories = ['plain', 'plain', 'theft', 'ending'] as const
export type Story = (typeof stories)[number]

/** One thing that a client or a thief does, `at` milliseconds after the start, on the instance of that number. */
export type Step = { readonly at: number; readonly instance: number } & (
  | { readonly do: 'refresh'; readonly attempts: readonly Journey[] }
  /** The thief copies the `back`th newest token that the client has held. */
  | { readonly do: 'steal'; readonly back: number }
  /** The thief uses the `back`th newest of the tokens it has. */
  | { readonly do: 'abuse'; readonly back: number; readonly withKey: boolean }
  | { readonly do: 'end'; readonly by: 'itself' | 'another_device' }
)

export interface ClientPlan {
  readonly kind: ClientKind
  readonly story: Story
  readonly steps: readonly Step[]
}

export interface ScheduleOptions {
  readonly seed: number
  readonly clients: number
  readonly seconds: number
  readonly graceSeconds: number
  /** How many instances of the service there are. */
  readonly instances: number
}

/** Attempts whose journey is drawn; further ones travel undisturbed. */
const drawnAttempts = 3

/** Everything that is going to be tried. The same options give the same schedule. */
export function drawSchedule(options: ScheduleOptions): readonly ClientPlan[] {
  const random = seededRandom(options.seed)
  return Array.from({ length: options.clients }, (_, i) => drawPlan(random.fork(), i, options))
}

function drawPlan(random: Random, i: number, options: ScheduleOptions): ClientPlan {
  const kind = clientKinds[i % clientKinds.length] ?? 'tabs'
  const story = stories[Math.floor(i / clientKinds.length) % stories.length] ?? 'plain'
  const steps = [...refreshes(random, kind, options), ...storySteps(random, story, options)]
  return { kind, story, steps: steps.sort((a, b) => a.at - b.at) }
}

function refreshes(random: Random, kind: ClientKind, { seconds, graceSeconds, instances }: ScheduleOptions): Step[] {
  const grace = graceSeconds * 1000
  const steps: Step[] = []
  for (let at = random.between(0, grace / 2); at < seconds * 1000; at += nextPause(random, grace)) {
    const tabs = kind === 'phone' ? 1 : 1 + random.below(5)
    for (let tab = 0; tab < tabs; tab += 1) {
      const attempts = Array.from({ length: drawnAttempts }, () => drawJourney(random, grace / 2))
      steps.push({
        do: 'refresh',
        at: Math.round(at + random.between(0, 40)),
        instance: random.below(instances),
        attempts
      })
    }
  }
  return steps
}

/** Now and then within the window, at its edge, and past it. */
function nextPause(random: Random, grace: number): number {
  const [least, most] = random.pick([
    [0.05, 0.4],
    [0.4, 0.9],
    [0.9, 1.15],
    [1.1, 2]
  ])
  return random.between(least * grace, most * grace)
}

function storySteps(random: Random, story: Story, options: ScheduleOptions): Step[] {
  const end = options.seconds * 1000
  const instance = () => random.below(options.instances)
  switch (story) {
    case 'plain':
      return []
    case 'ending':
      return [
        {
          do: 'end',
          at: Math.round(random.between(0.3, 0.7) * end),
          instance: instance(),
          by: random.pick(['itself', 'another_device'])
        }
      ]
    case 'theft': {
      const at = Math.round(random.between(0.1, 0.6) * end)
      const withKey = random.below(3) === 0
      const steps: Step[] = [{ do: 'steal', at, instance: 0, back: random.below(4) }]
      // Some go on with what they have, others come back for an older one each time.
      const comesBack = random.below(2) === 0
      const grace = options.graceSeconds * 1000
      for (let use = at + random.between(0, 2 * grace); use < end; use += random.between(0.2, 2.5) * grace) {
        const back = random.pick([0, 0, 0, 1, 2])
        if (comesBack) steps.push({ do: 'steal', at: Math.round(use), instance: 0, back: random.pick([1, 2, 2, 3]) })
        steps.push({ do: 'abuse', at: Math.round(use), instance: instance(), back: comesBack ? 0 : back, withKey })
      }
      return steps
    }
  }
}
