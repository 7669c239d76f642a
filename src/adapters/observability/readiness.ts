import type { Clock, Readiness } from '../../ports/runtime.js'

const intervalMilliseconds = 1000

/**
 * Starts at most one probe a second, and never two at once. All callers get the result of the newest one, also if it
 * failed. So a flood of requests to /readyz does not load the database.
 */
export function onceASecond(probe: Readiness, clock: Pick<Clock, 'now'>): Readiness {
  let newest: { readonly startedAt: number; running: boolean; readonly result: Promise<void> } | undefined

  return () => {
    const age = newest && clock.now() - newest.startedAt
    const isFresh = age !== undefined && age >= 0 && age < intervalMilliseconds
    if (newest === undefined || !(newest.running || isFresh)) {
      const started = { startedAt: clock.now(), running: true, result: probe() }
      const end = () => {
        started.running = false
      }
      started.result.then(end, end)
      newest = started
    }
    return newest.result
  }
}
