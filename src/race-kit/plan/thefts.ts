import type { ThiefAction } from './actions.js'
import type { ThiefKind } from './kinds.js'
import type { Random } from './random.js'

/** How a thief acts. */
export interface ThiefPlan {
  readonly kind: ThiefKind
  /** Whether it sends a key of its own. A thief of the storage sends the client's. */
  readonly ownKey: boolean
  /** Whether it steals again before each use. */
  readonly stealsAgain: boolean
  /** The thief refreshes so many milliseconds after a refresh of the client, using these in turn. Empty: it does not. */
  readonly pauses: readonly number[]
}

/** A thief's action, `at` milliseconds after the start. */
type ThiefStep = ThiefAction & { readonly at: number }

interface TheftOptions {
  readonly endMilliseconds: number
  readonly graceMilliseconds: number
  readonly instances: number
}

export function drawThief(random: Random, kind: ThiefKind, { graceMilliseconds: grace }: TheftOptions): ThiefPlan {
  const drawn = random.below(2) === 0
  // A `window` thief stays inside the window; a thief of the token alone refreshes right after it.
  const afterWindow = [1.02, 1.2] as const
  const [min, max] = kind === 'window' ? [0, 0.5] : kind === 'token' || kind === 'own_key' ? afterWindow : [0, 0]
  return {
    kind,
    ownKey: kind === 'own_key' || ((kind === 'window' || kind === 'oracle') && drawn),
    stealsAgain: kind !== 'oracle' && random.below(2) === 0,
    pauses: Array.from({ length: max === 0 ? 0 : 8 }, () => Math.round(random.between(min * grace, max * grace)))
  }
}

/** The thief's steps after the opening. The first steals any of the client's last tokens, before the last third. */
export function drawTheft(random: Random, thief: ThiefPlan, options: TheftOptions): ThiefStep[] {
  const { endMilliseconds: end, graceMilliseconds: grace } = options
  // Such a thief is caught in the opening.
  if (thief.kind === 'old' || thief.kind === 'alternating') return []
  const instance = () => random.below(options.instances)
  const firstTheft = Math.round(random.between(0.1, 0.6) * end)
  const steps: ThiefStep[] = [{ do: 'steal', at: firstTheft, instance: 0, back: random.below(4) }]
  // It refreshes right after the client, whenever that is.
  if (thief.kind === 'window') return steps

  for (let use = firstTheft + random.between(0, 2 * grace); use < end; use += random.between(0.2, 2.5) * grace) {
    const at = Math.round(use)
    const back = thief.stealsAgain ? 0 : random.pick([0, 0, 0, 1, 2])
    if (thief.stealsAgain) steps.push({ do: 'steal', at, instance: 0, back: random.pick([0, 0, 1, 2, 3]) })
    steps.push({ do: 'use_stolen', at, instance: instance(), back, twice: random.below(2) === 0 })
  }
  for (let at = firstTheft; thief.kind === 'oracle' && at < end; at += grace * 0.15) {
    steps.push({ do: 'poll', at: Math.round(at), instance: instance() })
  }
  return steps
}
