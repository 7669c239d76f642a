import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../../../src/ports/runtime.js'

/** A clock that a test can move forward. The database keeps its own time. */
export interface ShiftableClock extends Clock {
  shiftSeconds: number
}

export function shiftableClock(): ShiftableClock {
  const clock = {
    shiftSeconds: 0,
    now: () => Date.now() + clock.shiftSeconds * 1000,
    sleep: async (milliseconds: number) => delay(milliseconds)
  }
  return clock
}
