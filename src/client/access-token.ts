import { isTemporary, maxAttempts, type Retrier } from './retries.js'
import type { Runtime } from './runtime/runtime.js'

export interface AccessToken {
  readonly accessToken: string
  /** In milliseconds since the epoch. */
  readonly until: number
}

export interface AccessTokenHolderOptions extends Pick<Runtime, 'now' | 'random' | 'schedule'> {
  readonly delayAfter: Retrier['delayAfter']
  /** Fetches the next token; undefined in the modes that cannot renew one. */
  readonly refresh: (() => Promise<void>) | undefined
  /** Called when the token has expired in a mode that cannot renew it. */
  onExpired(): void
}

/**
 * Holds the access token in memory only, and renews it ahead of its expiry, at a random time so that clients do not all
 * renew at once.
 */
export function holdAccessToken(options: AccessTokenHolderOptions) {
  const { now, random, schedule, delayAfter, refresh, onExpired } = options
  let current: AccessToken | undefined
  let isUsed = false
  let isClosed = false
  let cancelTimer = () => {}

  function later(milliseconds: number, action: () => void): void {
    cancelTimer()
    if (!isClosed) cancelTimer = schedule(action, milliseconds, 'idle')
  }

  function renewAfter(milliseconds: number, failures: number): void {
    later(milliseconds, () => {
      if (!isUsed) return
      refresh?.().catch((error) => {
        if (isTemporary(error)) renewAfter(delayAfter(failures + maxAttempts), failures + maxAttempts)
      })
    })
  }

  return {
    get current(): AccessToken | undefined {
      return current
    },
    /** Without an access token, holds none, as in `session` mode. */
    replace(accessToken?: string, until = 0): void {
      current = accessToken ? { accessToken, until } : undefined
      isUsed = false
      cancelTimer()
      if (!current) return
      const left = until - now()
      if (refresh) renewAfter(left * (0.75 + 0.15 * random()), 0)
      else later(left, onExpired)
    },
    /** Notes that a request uses the token. An unused token is not renewed ahead, so that idle sessions can end. */
    markUsed(): void {
      isUsed = true
    },
    /** Stops the timer for good. */
    close(): void {
      isClosed = true
      cancelTimer()
    }
  }
}
