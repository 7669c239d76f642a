import { inOneLine, Unavailable } from '../../ports/errors.js'
import type { Clock, Log, Readiness } from '../../ports/runtime.js'

const intervalMilliseconds = 1000
/** As long as an operation may wait for its turn. */
const defaultPatienceMilliseconds = 2000

export interface SharedReadinessOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  /** A probe that takes longer has failed, although it may still run. */
  readonly patienceMilliseconds?: number | undefined
}

/**
 * Starts at most one probe a second, and never two at once. All callers get the result of the newest one, also if it
 * failed or takes too long. So a flood of requests to /readyz does not load the database, and each gets its answer in a
 * bounded time. The log has one line when the probes begin to fail, and one when they succeed again.
 */
export function sharedReadiness(probe: Readiness, options: SharedReadinessOptions): Readiness {
  const { clock, log, patienceMilliseconds = defaultPatienceMilliseconds } = options
  let newest: { readonly startedAt: number; running: boolean; readonly result: Promise<void> } | undefined
  let failingSince: number | undefined

  function start() {
    const running = probe()
    const started = { startedAt: clock.now(), running: true, result: within(patienceMilliseconds, running) }
    const end = () => {
      started.running = false
    }
    running.then(end, end)
    started.result.then(noteSuccess, noteFailure)
    return started
  }

  function noteSuccess(): void {
    if (failingSince === undefined) return
    const seconds = Math.round((clock.now() - failingSince) / 1000)
    failingSince = undefined
    log.info({ seconds }, 'This instance is ready again: /readyz answers 200')
  }

  function noteFailure(error: unknown): void {
    if (failingSince !== undefined) return
    failingSince = clock.now()
    log.warn({ reason: inOneLine(error) }, 'This instance is not ready: /readyz answers 503')
  }

  return () => {
    const age = newest && clock.now() - newest.startedAt
    const isFresh = age !== undefined && age >= 0 && age < intervalMilliseconds
    if (newest === undefined || !(newest.running || isFresh)) newest = start()
    return newest.result
  }
}

/** The result of `running`; `Unavailable` if there is none within `milliseconds`. */
async function within(milliseconds: number, running: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    const error = new Unavailable(`The check was not done within ${milliseconds / 1000} s.`)
    timer = setTimeout(reject, milliseconds, error)
  })
  await Promise.race([running, tooLate]).finally(() => clearTimeout(timer))
}

/** The same readiness until `leaving` is aborted. From then on, a balancer must send no new clients. */
export function readyUntil(leaving: AbortSignal | undefined, readiness: Readiness): Readiness {
  return async () => {
    if (leaving?.aborted) throw new Unavailable('The service is about to stop.')
    await readiness()
  }
}
