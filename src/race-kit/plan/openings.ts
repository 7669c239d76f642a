import type { Action } from './actions.js'
import { lostResponse } from './deliveries.js'
import { type ClientKind, clientKinds, mayLoseResponses, type Scenario, type ThiefKind } from './kinds.js'
import type { Random } from './random.js'

/** A pause counts from the response to the move before it, so a slow machine does not shorten it. */
export type OpeningMove = Action | { readonly do: 'pause'; readonly milliseconds: number }

interface OpeningOptions {
  readonly kind: ClientKind
  readonly scenario: Scenario
  readonly thief: ThiefKind | undefined
  readonly graceMilliseconds: number
  readonly instances: number
}

/**
 * The moves with which a session begins, one after the other, before anybody's drawn steps. They are the shortest story in
 * which a broken service shows that it breaks the promise to this client or thief. The drawn steps reach that story only
 * sometimes.
 */
export function openingOf(random: Random, options: OpeningOptions): OpeningMove[] {
  // Not all sessions begin at once: the service must answer some of their moves within one window.
  const startsAt = Math.round(random.between(0, options.graceMilliseconds))
  return [{ do: 'pause', milliseconds: startsAt }, ...movesOf(random, options)]
}

function movesOf(random: Random, options: OpeningOptions): OpeningMove[] {
  const { kind, scenario, thief, graceMilliseconds, instances } = options
  const instance = () => random.below(instances)
  const refresh = (): Action => ({ do: 'refresh', instance: instance(), origin: 0, attempts: [] })
  const steal = (back: number): Action => ({ do: 'steal', instance: 0, back })
  const use = (twice = false): Action => ({ do: 'use_stolen', instance: instance(), back: 0, twice })
  const windowPasses: OpeningMove = { do: 'pause', milliseconds: Math.round(graceMilliseconds * 1.1) }

  switch (thief) {
    case 'window':
    case 'own_key':
      // The older token, inside the window. The second time, the service must not have taken over the key of the first.
      return [refresh(), steal(1), use(true)]
    case 'token':
      // The newest token, before the client. The second time, the service must still know that the session uses keys.
      return [refresh(), steal(0), windowPasses, use(true)]
    case 'storage':
      return [refresh(), steal(1), windowPasses, use()]
    case 'old':
      return [steal(0), refresh(), windowPasses, refresh(), use()]
    case 'alternating':
      return [steal(0), use(), windowPasses, refresh(), windowPasses, use(), windowPasses, refresh()]
    case 'oracle':
      return []
  }
  if (!mayLoseResponses(kind)) return []
  const lost = { instance: instance(), origin: 0, attempts: [lostResponse] } as const
  // A client that was offline after a lost response comes back with its key when the window has passed.
  return scenario === 'ending' && clientKinds[kind].keys === 'one'
    ? [{ do: 'refresh_once', ...lost }, windowPasses, refresh()]
    : [{ do: 'refresh', ...lost }]
}
