import { decideRotation } from '../../../src/core/rotation.js'
import type { Setting } from './world.js'

/**
 * The setting in which the promises are tried unless they say otherwise: the client gives a refresh up
 * after half the grace. Grace and recovery are small, so that everything falls on everything else.
 */
export const usual: Setting = {
  decide: decideRotation,
  policy: { graceSeconds: 7, recoveryGenerations: 3 },
  life: { idleSeconds: 1_000_000, absoluteSeconds: 1_000_000 },
  patienceSeconds: 3.5,
  key: 'the key of the browser',
  inTurn: false,
  losses: 'any',
  copies: true,
  keeps: 'changed'
}
