import { decideRotation } from '../../../src/core/rotation.js'
import type { Setting } from './world.js'

/**
 * The setting of the promises, unless a test changes it: the client gives up a refresh after half the grace. Grace and
 * recovery are small, so that all events coincide in some script.
 */
export const defaultSetting: Setting = {
  decide: decideRotation,
  policy: { graceSeconds: 7, recoveryGenerations: 3 },
  life: { idleSeconds: 1_000_000, absoluteSeconds: 1_000_000 },
  giveUpSeconds: 3.5,
  key: 'the key of the browser',
  inTurn: false,
  losses: 'any',
  copies: true,
  keeps: 'changed'
}
