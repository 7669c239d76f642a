import type { Clock, Readiness } from '../../ports/runtime.js'

const intervalMilliseconds = 1000

/**
 * Begins at most one probe a second, and never two at once: all callers meanwhile get the result of the newest one, also
 * a failure. So nobody can load the database by asking whether it works.
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
