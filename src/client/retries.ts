import { AuthError } from './auth-error.js'
import type { Surroundings } from './surroundings.js'

/** How often something is tried before whoever waits for it is told. */
export const attempts = 3
/** The longest that anybody waits until the service may be asked again; later than that they are told to come back. */
const longestWait = 10_000
const longestBackOff = 60_000

export interface Retries {
  /** Tries `action` until it succeeds, while its failures are temporary. No attempt comes before a `Retry-After` has passed. */
  persist(action: () => Promise<void>): Promise<void>
  /** How many milliseconds to wait after so many failures in a row: ever longer, and never the same. */
  pauseAfter(failures: number): number
}

export function retries({ now, random, schedule }: Pick<Surroundings, 'now' | 'random' | 'schedule'>): Retries {
  let retryFrom = 0
  let lastFailure: AuthError | undefined

  const pause = (milliseconds: number) => new Promise<void>((resolve) => schedule(resolve, milliseconds))

  const pauseAfter = (failures: number) =>
    Math.max(Math.min(250 * 2 ** failures, longestBackOff) * (0.75 + 0.5 * random()), retryFrom - now())

  return {
    pauseAfter,
    async persist(action) {
      if (retryFrom - now() > longestWait) throw lastFailure
      if (retryFrom > now()) await pause(retryFrom - now())
      for (let failures = 1; ; failures += 1) {
        try {
          return await action()
        } catch (error) {
          if (!isTemporary(error)) throw error
          lastFailure = error
          retryFrom = now() + (error.retryAfterSeconds ?? 0) * 1000
          if (failures === attempts || retryFrom - now() > longestWait) throw error
          await pause(pauseAfter(failures))
        }
      }
    }
  }
}

/** Whether the same may succeed later. */
export function isTemporary(error: unknown): error is AuthError {
  return error instanceof AuthError && error.isTemporary
}
