import type { HeldToken } from './holder.js'
import type { ClientKind, Story } from './schedule.js'

export type Party = 'honest' | 'thief'

/** One answer of the service about a session, as the proxy saw it. Times are milliseconds of the kit's own clock. */
export interface Observation {
  readonly party: Party
  /** What was asked: a refresh, the end of the session, or a guarded route with one of its access tokens. */
  readonly asked: 'refresh' | 'end' | 'access'
  readonly instance: number
  /** The refresh token that was sent; undefined where none was. */
  readonly presented: HeldToken | undefined
  /** The `Idempotency-Key` that was sent with it, where one was. */
  readonly retryKey: string | undefined
  /** When the client sent it, when the service got it, and when the service's answer was whole. */
  readonly sentAt: number
  readonly passedAt: number
  readonly answeredAt: number
  /** 0 where the service closed the connection without an answer. */
  readonly status: number
  readonly retryAfter: boolean
  readonly code: string | undefined
  readonly reason: string | undefined
  /** The refresh token that a 200 leaves its client with: a new one, or the one that was sent. */
  readonly handed: HeldToken | undefined
}

/** All that is known of one session after a run. */
export interface SessionHistory {
  readonly sid: string
  readonly kind: ClientKind
  readonly story: Story
  readonly thefts: readonly number[]
  readonly observations: readonly Observation[]
  /** Whether the service lists it among the user's sessions after the run; undefined where it could not be asked. */
  readonly listed: boolean | undefined
}

/** Whether an answer tells that the session has ended. */
export function tellsEnd({ asked, status, code }: Observation): boolean {
  if (asked === 'end') return status === 204
  return asked === 'refresh' && status === 401 && (code === 'session_ended' || code === 'invalid_refresh_token')
}

/** The refreshes that were served, in the order of their answers. */
export function servedRefreshes({ observations }: SessionHistory): readonly Served[] {
  return observations
    .filter(
      (seen): seen is Served =>
        seen.asked === 'refresh' && seen.status === 200 && seen.presented !== undefined && seen.handed !== undefined
    )
    .sort((a, b) => a.answeredAt - b.answeredAt)
}

export type Served = Observation & { readonly presented: HeldToken; readonly handed: HeldToken }
