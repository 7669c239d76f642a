import { type Fault, faults } from '../plan/deliveries.js'
import type { ClientPlan, RaceOptions } from '../plan/schedule.js'
import type { Grace } from '../players/grace.js'
import { reportsEnd, type SessionHistory, servedRefreshes } from '../record/history.js'
import { isExcused, violations } from './oracle.js'
import { type PromiseName, promises, type Violation } from './promises.js'
import { countThieves, type ThiefCount, wasReuseDetected, wasUsed } from './thieves.js'

/** How often a promise was tested, and each case where the service broke it. */
export interface Judgement {
  readonly promise: PromiseName
  readonly tried: number
  readonly violations: readonly Violation[]
}

/** What `race` returns. */
export interface RaceResult {
  readonly options: RaceOptions
  readonly grace: Grace
  /** Whether the service kept every promise. */
  readonly held: boolean
  readonly judgements: readonly Judgement[]
  /** How often each fault met the first attempt of a refresh. */
  readonly faults: Readonly<Record<Exclude<Fault, 'none'>, number>>
  /** What became of the thieves, by kind. */
  readonly thieves: readonly ThiefCount[]
  readonly counts: {
    readonly sessions: number
    readonly refreshes: number
    /** The token generations that all sessions together received. */
    readonly generations: number
    /** Requests that reached the service before an earlier request of the same session. */
    readonly overtaken: number
    /** Responses 503 with Retry-After. */
    readonly announced503: number
    /** Requests that the service did not answer within 30 s: the connection was closed. */
    readonly unanswered: number
    readonly thefts: number
    readonly thievesCaught: number
    readonly ended: number
    /** Sessions that got a response after their client's timeout: `honest_goes_on` does not cover them. */
    readonly excused: number
  }
}

interface Run extends Pick<RaceResult, 'options' | 'grace'> {
  readonly plans: readonly ClientPlan[]
  readonly histories: readonly SessionHistory[]
  readonly unknown: readonly string[]
}

/** Judges a run. `unknown` are the ids of live sessions that the run did not create. */
export function judge({ options, grace: usedGrace, plans, histories, unknown }: Run): RaceResult {
  const grace = usedGrace.seconds * 1000
  const found = [
    ...histories.flatMap((history) => violations(history, grace)),
    ...unknown.map((sid): Violation => ({ promise: 'one_chain', sid, what: 'no login created this session' }))
  ]
  const observations = histories.flatMap((history) => history.observations)
  const ended = histories.filter(({ observations }) => observations.some(reportsEnd))
  const stolen = histories.filter(wasUsed)
  const isSignedOut = ({ sid }: SessionHistory) =>
    found.some((violation) => violation.promise === 'honest_goes_on' && violation.sid === sid)
  const excused = histories.filter((history) => isExcused(history, grace))

  const tried: Record<PromiseName, number> = {
    honest_goes_on: histories.filter(
      (history) => history.scenario === 'plain' && (!excused.includes(history) || isSignedOut(history))
    ).length,
    divergence_caught: stolen.length,
    key_counts: stolen.length,
    late_leaves_event: histories.filter(({ recoveries }) => recoveries !== undefined).length,
    no_oracle: histories.filter(({ sightings }) => sightings.length > 0).length,
    one_chain: histories.length,
    once_in_a_window: histories.length,
    stays_ended: ended.length,
    announced_only: observations.length
  }
  const names = Object.keys(promises) as PromiseName[]
  return {
    options,
    grace: usedGrace,
    held: found.length === 0,
    judgements: names.map((promise) => ({
      promise,
      tried: tried[promise],
      violations: found.filter((violation) => violation.promise === promise)
    })),
    faults: countFaults(plans),
    thieves: countThieves(histories),
    counts: {
      sessions: histories.length,
      refreshes: observations.filter(({ purpose }) => purpose === 'refresh').length,
      generations: sum(histories.map(countGenerations)),
      overtaken: sum(histories.map(countOvertaken)),
      announced503: observations.filter(({ status, hasRetryAfter }) => status === 503 && hasRetryAfter).length,
      unanswered: observations.filter(({ status }) => status === 0).length,
      thefts: stolen.length,
      thievesCaught: stolen.filter(wasReuseDetected).length,
      ended: ended.length,
      excused: excused.length
    }
  }
}

function countFaults(plans: readonly ClientPlan[]): RaceResult['faults'] {
  // Only the first attempt of a refresh is certain to be made.
  const deliveries = plans.flatMap(({ opening, steps }) =>
    [...opening, ...steps].flatMap((action) => ('attempts' in action ? action.attempts.slice(0, 1) : []))
  )
  const count = (fault: Fault) => deliveries.filter((delivery) => delivery.fault === fault).length
  const names = faults.filter((fault): fault is Exclude<Fault, 'none'> => fault !== 'none')
  return Object.fromEntries(names.map((fault) => [fault, count(fault)])) as RaceResult['faults']
}

function countGenerations(history: SessionHistory): number {
  return new Set(servedRefreshes(history).map(({ issued }) => issued.generation)).size
}

function countOvertaken({ observations }: SessionHistory): number {
  const inOrder = observations.filter(({ purpose }) => purpose === 'refresh').sort((a, b) => a.sentAt - b.sentAt)
  let latest = Number.NEGATIVE_INFINITY
  let overtaken = 0
  for (const { deliveredAt } of inOrder) {
    if (deliveredAt < latest) overtaken += 1
    latest = Math.max(latest, deliveredAt)
  }
  return overtaken
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
