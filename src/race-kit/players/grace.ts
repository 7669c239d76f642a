import { safeGraceSeconds } from '../../core/policy.js'
import { SetUpFailed } from './accounts.js'

/** The grace window that a race judges by. */
export interface Grace {
  readonly seconds: number
  /** Whether it comes from `GET /features`. */
  readonly fromFeatures: boolean
}

const timeoutMilliseconds = 10_000

/** Reads the grace from `GET /features`, or uses `fallbackSeconds` for a service without that route. */
export async function readGrace(url: string, fallbackSeconds = safeGraceSeconds): Promise<Grace> {
  const seconds = await secondsFromFeatures(url)
  if (seconds === 0) {
    throw new SetUpFailed('The race needs a grace window, but the service has REFRESH_GRACE_SECONDS=0.')
  }
  return seconds === undefined ? { seconds: fallbackSeconds, fromFeatures: false } : { seconds, fromFeatures: true }
}

/** Undefined if the service does not answer: then the sign-in of the users fails and says why. */
async function secondsFromFeatures(url: string): Promise<number | undefined> {
  try {
    const address = `${url.replace(/\/$/, '')}/features`
    const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMilliseconds) })
    const features: unknown = response.ok ? await response.json() : undefined
    if (typeof features !== 'object' || features === null || !('refresh_grace_seconds' in features)) return undefined
    return typeof features.refresh_grace_seconds === 'number' ? features.refresh_grace_seconds : undefined
  } catch {
    return undefined
  }
}
