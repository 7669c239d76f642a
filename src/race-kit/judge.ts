import { type SessionHistory, servedRefreshes, tellsEnd } from './history.js'
import { type Fault, faults } from './journey.js'
import { isExcused, type PromiseName, promises, type Violation, violations } from './oracle.js'
import type { RaceOptions } from './race-options.js'
import type { ClientPlan } from './schedule.js'

/** How often a promise was put to the test, and where it did not hold. */
export interface Judgement {
  readonly promise: PromiseName
  readonly tried: number
  readonly violations: readonly Violation[]
}

export interface RaceResult {
  readonly options: RaceOptions
  /** Whether every promise held. */
  readonly held: boolean
  readonly judgements: readonly Judgement[]
  /** How often each fault met the first attempt of a refresh. */
  readonly faults: Readonly<Record<Exclude<Fault, 'none'>, number>>
  readonly counts: {
    readonly sessions: number
    readonly refreshes: number
    /** Of all sessions, how many were handed out. */
    readonly generations: number
    /** Requests that reached the service before one that their session had sent earlier. */
    readonly overtaken: number
    readonly announced503: number
    readonly unanswered: number
    readonly thefts: number
    readonly thievesCaught: number
    readonly ended: number
    /** Sessions of which an answer took longer than a client waits: the promise does not cover them. */
    readonly excused: number
  }
}

/** Counts what was tried, and what held. `unknown` are live sessions that nobody signed in for. */
export function judge(
  options: RaceOptions,
  plans: readonly ClientPlan[],
  histories: readonly SessionHistory[],
  unknown: readonly string[]
): RaceResult {
  const grace = options.graceSeconds * 1000
  const strays = unknown.map(
    (sid): Violation => ({ promise: 'one_chain', sid, what: 'nobody signed in for this session' })
  )
  const found = [...histories.flatMap((history) => violations(history, grace)), ...strays]
  const observations = histories.flatMap((history) => history.observations)
  const refreshes = observations.filter(({ asked }) => asked === 'refresh')
  const ended = histories.filter(({ observations }) => observations.some(tellsEnd))
  const robbed = histories.filter(({ observations }) => observations.some(({ party }) => party === 'thief'))
  const excused = histories.filter((history) => isExcused(history, grace / 2))

  const tried: Record<PromiseName, number> = {
    honest_goes_on: histories.filter((history) => history.story === 'plain' && !excused.includes(history)).length,
    divergence_caught: robbed.length,
    one_chain: histories.length,
    once_in_a_window: histories.length,
    stays_ended: ended.length,
    announced_only: observations.length
  }
  const names = Object.keys(promises) as PromiseName[]
  return {
    options,
    held: found.length === 0,
    judgements: names.map((promise) => ({
      promise,
      tried: tried[promise],
      violations: found.filter((violation) => violation.promise === promise)
    })),
    faults: countFaults(plans),
    counts: {
      sessions: histories.length,
      refreshes: refreshes.length,
      generations: sum(
        histories.map((history) => new Set(servedRefreshes(history).map(({ handed }) => handed.generation)).size)
      ),
      overtaken: sum(histories.map(countOvertaken)),
      announced503: observations.filter(({ status, retryAfter }) => status === 503 && retryAfter).length,
      unanswered: observations.filter(({ status }) => status === 0).length,
      thefts: robbed.length,
      thievesCaught: robbed.filter(({ observations }) => observations.some(({ reason }) => reason === 'reuse_detected'))
        .length,
      ended: ended.length,
      excused: excused.length
    }
  }
}

function countFaults(plans: readonly ClientPlan[]): RaceResult['faults'] {
  // Only the first attempt of every refresh is certain to be made.
  const journeys = plans.flatMap(({ steps }) =>
    steps.flatMap((step) => (step.do === 'refresh' ? step.attempts.slice(0, 1) : []))
  )
  const count = (fault: Fault) => journeys.filter((journey) => journey.fault === fault).length
  const names = faults.filter((fault): fault is Exclude<Fault, 'none'> => fault !== 'none')
  return Object.fromEntries(names.map((fault) => [fault, count(fault)])) as RaceResult['faults']
}

function countOvertaken({ observations }: SessionHistory): number {
  const inOrder = observations.filter(({ asked }) => asked === 'refresh').sort((a, b) => a.sentAt - b.sentAt)
  let latest = Number.NEGATIVE_INFINITY
  let overtaken = 0
  for (const { passedAt } of inOrder) {
    if (passedAt < latest) overtaken += 1
    latest = Math.max(latest, passedAt)
  }
  return overtaken
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
