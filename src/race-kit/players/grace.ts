import { SetUpFailed } from './accounts.js'

/** The grace window that a race judges by. */
export interface Grace {
  readonly seconds: number
  /** Whether `GET /features` told it. */
  readonly told: boolean
}

const defaultSeconds = 20
const timeoutMilliseconds = 10_000

/** Reads the grace from the service; a service without `GET /features` does not tell it. */
export async function readGrace(url: string, fallbackSeconds = defaultSeconds): Promise<Grace> {
  const seconds = await toldSeconds(url)
  if (seconds === 0) {
    throw new SetUpFailed('The race needs a grace window, but the service has REFRESH_GRACE_SECONDS=0.')
  }
  return seconds === undefined ? { seconds: fallbackSeconds, told: false } : { seconds, told: true }
}

/** Undefined if the service does not answer: setting up the users then says why. */
async function toldSeconds(url: string): Promise<number | undefined> {
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
