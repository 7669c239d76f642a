import { AuthError } from './auth-error.js'
import { pause, type Runtime } from './runtime/runtime.js'

/** How often an action is tried before its caller gets the error. */
export const maxAttempts = 3
const maxBackOff = 60_000

export type Retrier = ReturnType<typeof createRetrier>

/**
 * Retries that share one `Retry-After`, so that concurrent callers do not multiply the requests. If the next attempt would
 * begin later than `maxWait` milliseconds from now, the caller gets the error at once.
 */
export function createRetrier(runtime: Pick<Runtime, 'now' | 'random' | 'schedule'>, maxWait = () => 10_000) {
  const { now, random } = runtime
  let retryFrom = 0
  let lastFailure: AuthError | undefined

  /** How many milliseconds to wait after this many failures in a row: exponential, with jitter. */
  const delayAfter = (failures: number) =>
    Math.max(Math.min(250 * 2 ** failures, maxBackOff) * (0.75 + 0.5 * random()), retryFrom - now())

  return {
    delayAfter,
    /** Tries `action` again while its failures are temporary. No attempt starts before a `Retry-After` has passed. */
    async retry(action: () => Promise<void>): Promise<void> {
      for (let failures = 0; ; ) {
        const wait = failures ? delayAfter(failures) : retryFrom - now()
        if (wait > maxWait()) throw lastFailure
        if (wait > 0) await pause(runtime, wait)
        try {
          return await action()
        } catch (error) {
          if (!isTemporary(error)) throw error
          lastFailure = error
          retryFrom = now() + (error.retryAfterSeconds ?? 0) * 1000
          failures += 1
          if (failures === maxAttempts) throw error
        }
      }
    }
  }
}

/** Whether the same request may succeed later. */
export function isTemporary(error: unknown): error is AuthError {
  return error instanceof AuthError && error.isTemporary
}
