import type { Auth } from '../../core/access-claims.js'
import { recentlyUsed } from '../../core/recently-used.js'
import type { AuthError } from '../auth-error.js'
import type { SessionCookies } from './cookies.js'

/** An access token in memory. Times are milliseconds since the epoch. */
export interface HeldToken {
  readonly auth: Auth
  readonly accessToken: string
  /** When it arrived. */
  readonly since: number
  readonly expiresAt: number
  /** From then on the next request renews it. */
  readonly renewAt: number
}

/** What this process knows of a session. All names that the session has had lead to the same object. */
export interface KnownSession {
  /** The newest access token, and the name that may have it. */
  held?: { readonly name: string; readonly token: HeldToken } | undefined
  /** A new object each time that this process sees that the session has ended. */
  ending?: Ending | undefined
}

export interface Ending {
  readonly error: AuthError
  /** When this process learned of it first. */
  readonly since: number
}

/** A session needs about 2 kB. One that is forgotten costs one more refresh. */
const maxSessions = 10_000
/** Names are short, and each refresh adds one. */
const maxNames = 4 * maxSessions

export type KnownSessions = ReturnType<typeof knowSessions>

/**
 * The sessions that were used last. A session is found by the refresh token together with the key, which are its name
 * (`nameOf`): a request with only one of them finds no access token. Earlier names lead to the session too, so that a
 * logout with an older cookie ends it, but only the newest one leads to its access token.
 */
export function knowSessions(now: () => number) {
  const byName = recentlyUsed<KnownSession>(maxNames)
  const byId = recentlyUsed<KnownSession>(maxSessions)
  const running = new Map<string, Promise<unknown>>()

  function named(name: string): KnownSession {
    const session = byName.get(name) ?? {}
    byName.set(name, session)
    return session
  }

  function hold(session: KnownSession, name: string, token: HeldToken): void {
    session.held = { name, token }
    byName.set(name, session)
    byId.set(token.auth.sessionId, session)
  }

  return {
    named,
    /** Undefined for the name of a refresh token that was replaced: Latchkey decides about that token. */
    tokenOf(name: string): HeldToken | undefined {
      const held = byName.get(name)?.held
      return held?.name === name ? held.token : undefined
    },
    begin: (name: string, token: HeldToken) => hold({}, name, token),
    /**
     * Takes over the token of a refresh that began at `askedAt` with the name `before`, unless the session has ended
     * meanwhile. An end that was seen before the refresh no longer counts: the database may have been restored since.
     */
    renew(before: string, name: string, token: HeldToken, askedAt: number): KnownSession {
      const earlier = named(before)
      const session = byId.get(token.auth.sessionId) ?? earlier
      session.ending ??= earlier.ending
      byName.set(before, session)
      if (session.ending !== undefined && session.ending.since >= askedAt) return session
      session.ending = undefined
      hold(session, name, token)
      return session
    },
    end(name: string, error: AuthError): KnownSession & { readonly ending: Ending } {
      const session = named(name)
      const ending = { error, since: session.ending?.since ?? now() }
      return Object.assign(session, { held: undefined, ending })
    },
    /** Forgets the access token, after a request that may have ended the session. */
    forget(name: string): void {
      named(name).held = undefined
    },
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
  const pairs = refreshTokens.map((pair) => pair.join('=')).sort()
  const bytes = new TextEncoder().encode([key, ...pairs].join('\n'))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
