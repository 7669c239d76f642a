import type { Observation, SessionHistory } from '../../../src/race-kit/record/history.js'

/** Hand-written histories of the session `a`, for the tests of the judge. Times are milliseconds. */

export const token = (generation: number, text = `token ${generation}`) => ({ text, sid: 'a', generation })

/** A served refresh that changes nothing, with `changes`. */
export const seen = (at: number, changes: Partial<Observation> = {}): Observation => ({
  sender: 'honest',
  purpose: 'refresh',
  instance: 0,
  presented: token(0),
  idempotencyKey: undefined,
  sentAt: at,
  deliveredAt: at,
  answeredAt: at + 5,
  status: 200,
  hasRetryAfter: false,
  code: undefined,
  reason: undefined,
  issued: token(0),
  ...changes
})

/** A refresh that is answered with `generation` for the one before it. */
export const rotation = (at: number, generation: number, changes: Partial<Observation> = {}) =>
  seen(at, { presented: token(generation - 1), issued: token(generation), ...changes })

export const refusal = (at: number, changes: Partial<Observation> = {}) =>
  seen(at, { status: 401, code: 'session_ended', reason: 'reuse_detected', issued: undefined, ...changes })

export const history = (
  observations: readonly Observation[],
  changes: Partial<SessionHistory> = {}
): SessionHistory => ({
  sid: 'a',
  kind: 'phone',
  scenario: 'plain',
  thief: undefined,
  thefts: [],
  observations,
  sightings: [],
  listed: undefined,
  recoveries: undefined,
  ...changes
})
