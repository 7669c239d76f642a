import type { ClientKind, Scenario, ThiefKind } from '../plan/kinds.js'
import type { RefreshToken } from './refresh-token.js'

export type Sender = 'honest' | 'thief'

/** Within this time every instance refuses the access tokens of an ended session. */
export const endEverywhereMilliseconds = 1000

/** One response of the service about a session, as the proxy saw it. Times are milliseconds of the race kit's clock. */
export interface Observation {
  readonly sender: Sender
  /** A refresh, the end of the session, or a guarded route called with one of its access tokens. */
  readonly purpose: 'refresh' | 'end' | 'access'
  readonly instance: number
  /** The refresh token in the request. */
  readonly presented: RefreshToken | undefined
  /** The `Idempotency-Key` of the request. */
  readonly idempotencyKey: string | undefined
  /** When the client sent the request. */
  readonly sentAt: number
  /** When the proxy had sent the whole request to the service. */
  readonly deliveredAt: number
  /** When the whole response had arrived at the proxy. */
  readonly answeredAt: number
  /** 0 if the connection was closed without a response: by the service, or by the proxy after 30 s. */
  readonly status: number
  readonly hasRetryAfter: boolean
  readonly code: string | undefined
  readonly reason: string | undefined
  /** The refresh token that the client holds after a 200: a new one, or the one that it presented. */
  readonly issued: RefreshToken | undefined
}

/** The session as a thief saw it in the list of sessions. Times are milliseconds since the epoch. */
export interface Sighting {
  readonly createdAt: number
  readonly lastUsedAt: number
  readonly expiresAt: number
  /** The `Date` of the response. */
  readonly servedAt: number
}

/** Everything known about one session after a run. */
export interface SessionHistory {
  readonly sid: string
  readonly kind: ClientKind
  readonly scenario: Scenario
  /** Undefined if nobody stole from the session. */
  readonly thief: ThiefKind | undefined
  readonly thefts: readonly number[]
  readonly observations: readonly Observation[]
  readonly sightings: readonly Sighting[]
  /** Whether the service lists it among the user's sessions after the run; undefined if the list could not be read. */
  readonly listed: boolean | undefined
  /** Its events `refresh_recovered`; undefined if the user's events could not be read. */
  readonly recoveries: number | undefined
}

/** Whether the response says that the session has ended. */
export function reportsEnd({ purpose, status, code }: Observation): boolean {
  if (purpose === 'end') return status === 204
  return purpose === 'refresh' && status === 401 && (code === 'session_ended' || code === 'invalid_refresh_token')
}

export type ServedRefresh = Observation & { readonly presented: RefreshToken; readonly issued: RefreshToken }

/** The successful refreshes, in the order of their responses. */
export function servedRefreshes({ observations }: Pick<SessionHistory, 'observations'>): readonly ServedRefresh[] {
  return observations
    .filter(
      (seen): seen is ServedRefresh =>
        seen.purpose === 'refresh' && seen.status === 200 && seen.presented !== undefined && seen.issued !== undefined
    )
    .sort((a, b) => a.answeredAt - b.answeredAt)
}

/** Whether the refresh was answered with a newer token than it presented. */
export function gotNewerToken({ presented, issued }: Pick<ServedRefresh, 'presented' | 'issued'>): boolean {
  return issued.generation > presented.generation
}
