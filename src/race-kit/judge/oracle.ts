import { visibleStepSeconds } from '../../core/visible-times.js'
import { maxDelayShare } from '../plan/deliveries.js'
import { timeoutShare } from '../plan/kinds.js'
import {
  endEverywhereMilliseconds,
  type Observation,
  reportsEnd,
  type ServedRefresh,
  type SessionHistory,
  servedRefreshes
} from '../record/history.js'
import type { PromiseName, Violation } from './promises.js'
import { findAnswerWithoutKey, findDivergence, findMissingEvent, findStaleService } from './thieves.js'

/** Every promise that the service broke for this session. Where the measured times allow a doubt, it counts as kept. */
export function violations(history: SessionHistory, graceMilliseconds: number): readonly Violation[] {
  const served = servedRefreshes(history)
  const broken: [PromiseName, string | undefined][] = [
    ['honest_goes_on', findSignOut(history, graceMilliseconds)],
    ['divergence_caught', findDivergence(history, graceMilliseconds)],
    ['divergence_caught', findStaleService(history, graceMilliseconds)],
    ['key_counts', findAnswerWithoutKey(history, graceMilliseconds)],
    ['late_leaves_event', findMissingEvent(history, graceMilliseconds)],
    ['no_oracle', findOracle(history)],
    ['one_chain', findSecondChain(history, served)],
    ['once_in_a_window', findDoubleRotation(served, graceMilliseconds)],
    ['stays_ended', findRevival(history)],
    ['announced_only', findBrokenResponse(history)]
  ]
  return broken.flatMap(([promise, what]) => (what === undefined ? [] : [{ promise, sid: history.sid, what }]))
}

/**
 * Whether a response came so late that, with the largest delay on its way back, it may have missed its client. Only
 * requests sent before `until` count: a later one cannot be the reason for what happened by then.
 */
export function isExcused(
  { observations }: SessionHistory,
  graceMilliseconds: number,
  until = Number.POSITIVE_INFINITY
): boolean {
  const inTime = graceMilliseconds * timeoutShare * (1 - maxDelayShare)
  return observations.some(
    ({ purpose, sentAt, answeredAt, status }) =>
      purpose === 'refresh' && sentAt < until && (status === 0 || answeredAt - sentAt > inTime)
  )
}

function findSignOut(history: SessionHistory, graceMilliseconds: number): string | undefined {
  if (history.scenario !== 'plain') return undefined
  const [refused] = history.observations
    .filter(({ purpose, status }) => purpose === 'refresh' && status >= 400 && status < 500 && status !== 429)
    .sort((a, b) => a.answeredAt - b.answeredAt)
  if (isExcused(history, graceMilliseconds, refused?.answeredAt)) return undefined
  if (refused !== undefined)
    return `a refresh was answered ${refused.status} ${refused.code} ${refused.reason ?? ''}`.trim()
  return history.listed === false ? 'the session is not among the live sessions' : undefined
}

/** Times are whole five minutes, and a use shows when its five minutes are over. A new session has no other use to show. */
function findOracle({ sightings }: SessionHistory): string | undefined {
  const step = visibleStepSeconds * 1000
  for (const { createdAt, lastUsedAt, expiresAt, servedAt } of sightings) {
    if (lastUsedAt % step !== 0 || expiresAt % step !== 0) return 'the list of sessions shows exact times'
    // The `Date` of a response is up to a second old.
    const isOver = servedAt + 1000 >= lastUsedAt + step
    if (!isOver && createdAt < lastUsedAt) return 'the list of sessions shows a use before its five minutes are over'
  }
  return undefined
}

function findSecondChain({ sid }: SessionHistory, served: readonly ServedRefresh[]): string | undefined {
  const texts = new Map<number, string>()
  for (const { issued } of served) {
    if (issued.sid !== sid) return `a refresh was answered with a token of another session, ${issued.sid}`
    const known = texts.get(issued.generation)
    if (known !== undefined && known !== issued.text) return `generation ${issued.generation} has two tokens`
    texts.set(issued.generation, issued.text)
  }
  return undefined
}

/** Compares the latest possible time of each rotation with the earliest possible time of the one before it. */
function findDoubleRotation(served: readonly ServedRefresh[], grace: number): string | undefined {
  const earliest = new Map<number, number>()
  const latest = new Map<number, number>()
  for (const { presented, issued, deliveredAt, answeredAt } of served) {
    if (issued.generation !== presented.generation + 1) continue
    const { generation } = issued
    earliest.set(generation, Math.min(earliest.get(generation) ?? deliveredAt, deliveredAt))
    latest.set(generation, Math.min(latest.get(generation) ?? answeredAt, answeredAt))
  }
  for (const [generation, second] of latest) {
    const first = earliest.get(generation - 1)
    if (first !== undefined && second - first < grace)
      return `generations ${generation - 1} and ${generation} were issued within ${Math.round(second - first)} ms`
  }
  return undefined
}

function findRevival({ observations, listed }: SessionHistory): string | undefined {
  const end = observations.filter(reportsEnd).sort((a, b) => a.answeredAt - b.answeredAt)[0]
  if (end === undefined) return undefined
  if (listed === true) return 'the session is among the live sessions after its end'
  const isServedAfter = (seen: Observation) => seen.sentAt > end.answeredAt && seen.status === 200
  if (observations.some((seen) => seen.purpose === 'refresh' && isServedAfter(seen)))
    return 'a refresh was served after the end'
  const mustKnow = ({ instance, sentAt }: Observation) =>
    instance === end.instance || sentAt - end.answeredAt > endEverywhereMilliseconds
  const access = observations.find((seen) => seen.purpose === 'access' && isServedAfter(seen) && mustKnow(seen))
  return access && `an access token was accepted ${Math.round(access.sentAt - end.answeredAt)} ms after the end`
}

function findBrokenResponse({ observations }: SessionHistory): string | undefined {
  const broken = observations.find(({ status, hasRetryAfter }) => status >= 500 && !(status === 503 && hasRetryAfter))
  return broken && `${broken.purpose} was answered ${broken.status}`
}
