import {
  type Observation,
  reportsEnd,
  type Sender,
  type ServedRefresh,
  type SessionHistory,
  servedRefreshes
} from './history.js'
import { maxDelayShare } from './schedule.js'

/**
 * The promises that a race checks, by name.
 *
 * @example
 * ```ts
 * import { promises } from 'latchkey/testing'
 *
 * console.log(promises.honest_goes_on) // No honest client is signed out
 * ```
 */
export const promises = {
  honest_goes_on: 'No honest client is signed out',
  divergence_caught: 'A thief and a client do not both go on; a token two generations old works for nobody else',
  one_chain: 'A session has one chain of tokens and one row',
  once_in_a_window: 'A session rotates at most once in a grace window',
  stays_ended: 'An ended session stays ended, and within a second every instance refuses its access tokens',
  announced_only: 'Every 5xx is a 503 with Retry-After'
} as const

/** The name of one of the `promises`. */
export type PromiseName = keyof typeof promises

/** One case where the service broke a promise; `what` describes it for people. */
export interface Violation {
  readonly promise: PromiseName
  readonly sid: string
  readonly what: string
}

/** By then every instance refuses the access tokens of an ended session. */
export const endEverywhereMilliseconds = 1000

/** Every promise that the service broke for this session. Where the measured times allow a doubt, it counts as kept. */
export function violations(history: SessionHistory, graceMilliseconds: number): readonly Violation[] {
  const served = servedRefreshes(history)
  const broken: [PromiseName, string | undefined][] = [
    ['honest_goes_on', isExcused(history, graceMilliseconds / 2) ? undefined : findSignOut(history)],
    ['divergence_caught', findDivergence(history, served, graceMilliseconds)],
    ['divergence_caught', findStaleService(served, graceMilliseconds)],
    ['one_chain', findSecondChain(history, served)],
    ['once_in_a_window', findDoubleRotation(served, graceMilliseconds)],
    ['stays_ended', findRevival(history)],
    ['announced_only', findBrokenResponse(history)]
  ]
  return broken.flatMap(([promise, what]) => (what === undefined ? [] : [{ promise, sid: history.sid, what }]))
}

/** Whether a response came so late that, with the largest delay on its way back, it may have missed its client. */
export function isExcused({ observations }: SessionHistory, timeoutMilliseconds: number): boolean {
  const inTime = timeoutMilliseconds * (1 - maxDelayShare)
  return observations.some(
    ({ purpose, sentAt, answeredAt, status }) => purpose === 'refresh' && (status === 0 || answeredAt - sentAt > inTime)
  )
}

function findSignOut({ scenario, observations, listed }: SessionHistory): string | undefined {
  if (scenario !== 'plain') return undefined
  const refused = observations.find(
    ({ purpose, status }) => purpose === 'refresh' && status >= 400 && status < 500 && status !== 429
  )
  if (refused !== undefined)
    return `a refresh was answered ${refused.status} ${refused.code} ${refused.reason ?? ''}`.trim()
  return listed === false ? 'the session is not among the live sessions' : undefined
}

/**
 * Both go on if client and thief each receive at least two generations that are new to them. The count restarts at
 * each theft, and at each step that may lie inside the grace window: what the window allows is the price of the window.
 */
function findDivergence(history: SessionHistory, served: readonly ServedRefresh[], grace: number): string | undefined {
  let steps: Record<Sender, number> = { honest: 0, thief: 0 }
  const newest: Record<Sender, number> = { honest: 0, thief: -1 }
  const thefts = [...history.thefts]
  const moves: Observation[] = [
    ...served.filter(({ presented, issued }) => issued.text !== presented.text),
    ...history.observations.filter(({ purpose, status }) => purpose === 'refresh' && status === 0)
  ]
  for (const step of served) {
    const { sender, issued, deliveredAt, answeredAt } = step
    while ((thefts[0] ?? Number.POSITIVE_INFINITY) < answeredAt) {
      thefts.shift()
      steps = { honest: 0, thief: 0 }
    }
    const mayBeInside = moves.some(
      (it) => it !== step && it.deliveredAt < answeredAt && it.answeredAt > deliveredAt - grace
    )
    if (issued.generation <= newest[sender]) continue
    newest[sender] = issued.generation
    steps = mayBeInside ? { honest: 0, thief: 0 } : { ...steps, [sender]: steps[sender] + 1 }
    if (Math.min(steps.honest, steps.thief) > 1)
      return `client and thief both went on, to generation ${issued.generation}`
  }
  return undefined
}

/** A token two generations old may be served only to the sender of the last rotation, within the grace window. */
function findStaleService(served: readonly ServedRefresh[], grace: number): string | undefined {
  for (const { presented, issued, deliveredAt, idempotencyKey } of served) {
    const before = served.filter((other) => other.answeredAt < deliveredAt).map((other) => other.issued.generation)
    const newest = Math.max(...before)
    if (presented.generation + 2 > newest) continue
    const rotation = served.find((other) => other.issued.generation === newest && other.presented.generation < newest)
    const isOwn = idempotencyKey !== undefined && idempotencyKey === rotation?.idempotencyKey
    if (isOwn && presented.generation + 2 === newest && deliveredAt - rotation.answeredAt < grace) continue
    return `generation ${presented.generation} was answered with ${issued.generation}, after ${newest} was issued`
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
