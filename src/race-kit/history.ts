import type { ClientKind, Scenario } from './schedule.js'
import type { RefreshToken } from './token-holder.js'

export type Sender = 'honest' | 'thief'

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
  /** When the service was sent the whole request. */
  readonly deliveredAt: number
  /** When the whole response had arrived at the proxy. */
  readonly answeredAt: number
  /** 0 if the service closed the connection without a response. */
  readonly status: number
  readonly hasRetryAfter: boolean
  readonly code: string | undefined
  readonly reason: string | undefined
  /** The refresh token that the client holds after a 200: a new one, or the one that it presented. */
  readonly issued: RefreshToken | undefined
}

/** Everything known about one session after a run. */
export interface SessionHistory {
  readonly sid: string
  readonly kind: ClientKind
  readonly scenario: Scenario
  readonly thefts: readonly number[]
  readonly observations: readonly Observation[]
  /** Whether the service lists it among the user's sessions after the run; undefined if the list could not be read. */
  readonly listed: boolean | undefined
}

/** Whether the response says that the session has ended. */
export function reportsEnd({ purpose, status, code }: Observation): boolean {
  if (purpose === 'end') return status === 204
  return purpose === 'refresh' && status === 401 && (code === 'session_ended' || code === 'invalid_refresh_token')
}

/** The successful refreshes, in the order of their responses. */
export function servedRefreshes({ observations }: SessionHistory): readonly ServedRefresh[] {
  return observations
    .filter(
      (seen): seen is ServedRefresh =>
        seen.purpose === 'refresh' && seen.status === 200 && seen.presented !== undefined && seen.issued !== undefined
    )
    .sort((a, b) => a.answeredAt - b.answeredAt)
}

export type ServedRefresh = Observation & { readonly presented: RefreshToken; readonly issued: RefreshToken }
