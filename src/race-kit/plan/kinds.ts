import { refreshTimeoutSeconds, safeGraceSeconds } from '../../core/policy.js'

/** How an honest client behaves. */
interface ClientBehaviour {
  readonly mode: 'cookie' | 'body'
  /** Whether its tabs refresh at the same time; otherwise they take turns. */
  readonly atOnce: boolean
  /** Its `Idempotency-Key`s: one, one for each of two origins that share the cookie jar, one for each refresh, or none. */
  readonly keys: 'one' | 'two' | 'per_refresh' | 'none'
}

/**
 * `origins` are an app and a page like /account on one cookie jar. `hand_written` is a client that makes a key for each
 * refresh and repeats the refresh with it.
 */
export const clientKinds = {
  tabs: { mode: 'cookie', atOnce: true, keys: 'one' },
  turns: { mode: 'cookie', atOnce: false, keys: 'one' },
  phone: { mode: 'body', atOnce: false, keys: 'one' },
  origins: { mode: 'cookie', atOnce: true, keys: 'two' },
  hand_written: { mode: 'body', atOnce: false, keys: 'per_refresh' },
  no_key: { mode: 'cookie', atOnce: true, keys: 'none' }
} as const satisfies Record<string, ClientBehaviour>

export type ClientKind = keyof typeof clientKinds

export const clientKindNames = Object.keys(clientKinds) as ClientKind[]

/**
 * Whether the network may lose responses to such a client. If it does, docs/rotation.md promises nothing to tabs that
 * refresh at once without a shared key.
 */
export function mayLoseResponses(kind: ClientKind): boolean {
  const { atOnce, keys } = clientKinds[kind]
  return !atOnce || keys === 'one'
}

/** What a thief has, and when it refreshes. */
export const thiefKinds = {
  window: 'refreshes right after the client, each time',
  storage: 'has the token and the key',
  token: 'has the token only',
  own_key: 'has the token, and sends a key of its own',
  oracle: 'polls the list of sessions to refresh after the client',
  old: 'waits until its token is two generations old',
  alternating: 'refreshes in turn with the client, a window apart'
} as const

export type ThiefKind = keyof typeof thiefKinds

export const thiefKindNames = Object.keys(thiefKinds) as ThiefKind[]

/** What happens to a session besides network faults. `plain` is listed twice, so half of the sessions have it. */
export const scenarios = ['plain', 'plain', 'theft', 'ending'] as const
export type Scenario = (typeof scenarios)[number]

/** A client gives up a refresh after this share of the grace window, as `latchkey/client` does with the default grace. */
export const timeoutShare = refreshTimeoutSeconds / safeGraceSeconds
