import { attempts, isTemporary, type Retries } from './retries.js'
import type { Surroundings } from './surroundings.js'

export interface HeldToken {
  readonly accessToken: string
  /** When it expires, in milliseconds since the epoch. */
  readonly until: number
}

/** The access token, in memory alone. */
export interface TokenHolder {
  readonly held: HeldToken | undefined
  hold(token: HeldToken | undefined): void
  /** The token is about to be used. One that lies idle is not renewed ahead, so that idle sessions can end. */
  use(): void
  /** No timer goes off any more. */
  close(): void
}

export interface TokenHolderOptions extends Pick<Surroundings, 'now' | 'random' | 'schedule'> {
  readonly pauseAfter: Retries['pauseAfter']
  /** Brings the next token; missing where none can be had. */
  readonly refresh: (() => Promise<void>) | undefined
  /** The token has expired, and none can be had. */
  expired(): void
}

/** Renews the token that it holds ahead of its end, at a time that other clients do not choose too. */
export function tokenHolder(options: TokenHolderOptions): TokenHolder {
  const { now, random, schedule, pauseAfter, refresh, expired } = options
  let held: HeldToken | undefined
  let isUsed = false
  let isClosed = false
  let timerOff = () => {}

  function later(milliseconds: number, action: () => void): void {
    timerOff()
    if (!isClosed) timerOff = schedule(action, milliseconds, 'idle')
  }

  function renewAhead(milliseconds: number, failures: number): void {
    later(milliseconds, () => {
      if (!isUsed) return
      refresh?.().catch((error) => {
        if (isTemporary(error)) renewAhead(pauseAfter(failures + attempts), failures + attempts)
      })
    })
  }

  return {
    get held() {
      return held
    },
    hold(token) {
      held = token
      isUsed = false
      timerOff()
      if (token === undefined) return
      const left = token.until - now()
      if (refresh === undefined) later(left, expired)
      else renewAhead(left * (0.75 + 0.15 * random()), 0)
    },
    use() {
      isUsed = true
    },
    close() {
      isClosed = true
      timerOff()
    }
  }
}
