import { inOneLine, Unavailable } from '../../ports/errors.js'
import type { Clock, Log, Readiness } from '../../ports/runtime.js'

const intervalMilliseconds = 1000

export interface ProbeOptions {
  readonly clock: Pick<Clock, 'now'>
  /** Resolves when a probe that begins now has taken too long. */
  readonly timeLimit: () => Promise<void>
}

/**
 * Starts at most one probe a second, and never two at once. All callers get the result of the newest one, also if it
 * failed. So a flood of requests to /readyz does not load the database. A probe that takes too long has failed: callers
 * get `Unavailable` then, and at once until it ends.
 */
export function onceASecond(probe: Readiness, { clock, timeLimit }: ProbeOptions): Readiness {
  let newest: { readonly startedAt: number; running: boolean; readonly result: Promise<void> } | undefined

  async function tooSlow(): Promise<never> {
    await timeLimit()
    throw new Unavailable('The database does not commit in time.')
  }

  return () => {
    const age = newest && clock.now() - newest.startedAt
    const isFresh = age !== undefined && age >= 0 && age < intervalMilliseconds
    if (newest === undefined || !(newest.running || isFresh)) {
      const running = probe()
      const started = { startedAt: clock.now(), running: true, result: Promise.race([running, tooSlow()]) }
      const end = () => {
        started.running = false
      }
      running.then(end, end)
      newest = started
    }
    return newest.result
  }
}

/** `ready`, with one line in the log when it begins to fail and one when it succeeds again, however often it is called. */
export function loggedReadiness(ready: Readiness, log: Log, monotonic = () => performance.now()): Readiness {
  let failingSince: number | undefined

  return async () => {
    try {
      await ready()
    } catch (error) {
      if (failingSince === undefined) {
        failingSince = monotonic()
        log.warn({ reason: inOneLine(error) }, 'This instance is not ready: /readyz answers 503')
      }
      throw error
    }
    if (failingSince === undefined) return
    log.info({ seconds: Math.round((monotonic() - failingSince) / 1000) }, 'This instance is ready again')
    failingSince = undefined
  }
}

/** `ready` until `stopping`, and never afterwards. */
export function readyUntil(stopping: AbortSignal, ready: Readiness): Readiness {
  return async () => {
    if (stopping.aborted) throw new Unavailable('This instance is stopping.')
    await ready()
  }
}
