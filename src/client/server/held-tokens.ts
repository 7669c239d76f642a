import type { Auth } from '../../core/access-claims.js'
import { recentlyUsed } from '../../core/recently-used.js'
import type { SessionCookies } from './cookies.js'

/** An access token in memory. Times are milliseconds since the epoch. */
export interface HeldToken {
  readonly auth: Auth
  readonly accessToken: string
  readonly until: number
  /** From then on the next request renews it. */
  readonly renewAt: number
}

/** About 2 kB each. A session that is forgotten costs one more refresh. */
const maxSessions = 10_000

export type HeldTokens = ReturnType<typeof holdTokens>

/**
 * The access tokens of the sessions that were used last. A token is found by the refresh token together with the key:
 * whoever has only one of them gets from memory no more than Latchkey would give.
 */
export function holdTokens() {
  const tokens = recentlyUsed<HeldToken>(maxSessions)
  const running = new Map<string, Promise<unknown>>()
  return {
    get: tokens.get,
    /** `before` is the name before the refresh. A refresh token that was replaced is forgotten: Latchkey judges it. */
    replace(before: string, name: string, token: HeldToken): void {
      tokens.delete(before)
      tokens.set(name, token)
    },
    forget: tokens.delete,
    /** Runs `action` once for all callers of one session. */
    async once<T>(name: string, action: () => Promise<T>): Promise<T> {
      const earlier = running.get(name) as Promise<T> | undefined
      if (earlier !== undefined) return earlier
      const started = action().finally(() => running.delete(name))
      running.set(name, started)
      return started
    }
  }
}

/** What a session is found by. It is a digest, so that memory holds no refresh token. */
export async function nameOf({ refreshTokens, key = '' }: SessionCookies): Promise<string> {
  const pairs = [...refreshTokens].map((pair) => pair.join('=')).sort()
  const bytes = new TextEncoder().encode([key, ...pairs].join('\n'))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
