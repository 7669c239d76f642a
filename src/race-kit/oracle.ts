import { type Observation, type Party, type SessionHistory, servedRefreshes, tellsEnd } from './history.js'
import { heldShare } from './journey.js'

/** The promises that a run is judged by. */
export const promises = {
  honest_goes_on: 'No honest client is signed out',
  divergence_caught: 'A thief and a client do not both go on, and a token two generations old serves nobody else',
  one_chain: 'A session has one chain of tokens and one row',
  once_in_a_window: 'A session rotates at most once in the grace',
  stays_ended: 'An ended session stays ended, its access tokens too, everywhere within a second',
  announced_only: 'No 5xx but a 503 with Retry-After'
} as const

export type PromiseName = keyof typeof promises

export interface Violation {
  readonly promise: PromiseName
  readonly sid: string
  readonly what: string
}

/** By when an ended session's access tokens are refused by every instance. */
export const endEverywhereMilliseconds = 1000

/** Every promise that the service broke to this session. What times leave open is never held against it. */
export function violations(history: SessionHistory, graceMilliseconds: number): readonly Violation[] {
  const broken: [PromiseName, string | undefined][] = [
    ['honest_goes_on', isExcused(history, graceMilliseconds / 2) ? undefined : signedOut(history)],
    ['divergence_caught', bothGoOn(history, graceMilliseconds)],
    ['divergence_caught', servedLongGone(history, graceMilliseconds)],
    ['one_chain', secondChain(history)],
    ['once_in_a_window', rotatedTwice(history, graceMilliseconds)],
    ['stays_ended', livesAgain(history)],
    ['announced_only', brokenAnswer(history)]
  ]
  return broken.flatMap(([promise, what]) => (what === undefined ? [] : [{ promise, sid: history.sid, what }]))
}

/**
 * Whether the promise to an honest client does not cover what happened: an answer came so late that,
 * held on its way back, it may have missed its client.
 */
export function isExcused({ observations }: SessionHistory, patienceMilliseconds: number): boolean {
  const inTime = patienceMilliseconds * (1 - heldShare)
  return observations.some(
    ({ asked, sentAt, answeredAt, status }) => asked === 'refresh' && (status === 0 || answeredAt - sentAt > inTime)
  )
}

function signedOut({ story, observations, listed }: SessionHistory): string | undefined {
  if (story !== 'plain') return undefined
  const refused = observations.find(
    ({ asked, status }) => asked === 'refresh' && status >= 400 && status < 500 && status !== 429
  )
  if (refused !== undefined)
    return `a refresh was answered ${refused.status} ${refused.code} ${refused.reason ?? ''}`.trim()
  return listed === false ? 'the session is not among the live ones' : undefined
}

/**
 * To go on is to be handed a generation that one has not had. Counting starts anew with a theft and
 * with a step inside the window: what the window gives away is its price, not the protocol's. A step
 * that may have fallen inside it counts as inside.
 */
function bothGoOn(history: SessionHistory, grace: number): string | undefined {
  let used: Record<Party, number> = { honest: 0, thief: 0 }
  const newest: Record<Party, number> = { honest: 0, thief: -1 }
  const thefts = [...history.thefts]
  const served = servedRefreshes(history)
  const moves: Observation[] = [
    ...served.filter(({ presented, handed }) => handed.text !== presented.text),
    ...history.observations.filter(({ asked, status }) => asked === 'refresh' && status === 0)
  ]
  for (const step of served) {
    const { party, handed, passedAt, answeredAt } = step
    while ((thefts[0] ?? Number.POSITIVE_INFINITY) < answeredAt) {
      thefts.shift()
      used = { honest: 0, thief: 0 }
    }
    const mayBeInside = moves.some((it) => it !== step && it.passedAt < answeredAt && it.answeredAt > passedAt - grace)
    if (handed.generation <= newest[party]) continue
    newest[party] = handed.generation
    used = mayBeInside ? { honest: 0, thief: 0 } : { ...used, [party]: used[party] + 1 }
    if (Math.min(used.honest, used.thief) > 1) return `both parties went on to generation ${handed.generation}`
  }
  return undefined
}

/** Two generations old is only a request of who made the last rotation, that was under way when it was made. */
function servedLongGone(history: SessionHistory, grace: number): string | undefined {
  const served = servedRefreshes(history)
  for (const { presented, handed, passedAt, retryKey } of served) {
    const out = served.filter((other) => other.answeredAt < passedAt).map((other) => other.handed.generation)
    const newest = Math.max(...out)
    if (presented.generation + 2 > newest) continue
    const rotation = served.find((other) => other.handed.generation === newest && other.presented.generation < newest)
    const isOwn = retryKey !== undefined && retryKey === rotation?.retryKey
    if (isOwn && presented.generation + 2 === newest && passedAt - rotation.answeredAt < grace) continue
    return `generation ${presented.generation} was answered with ${handed.generation}, when ${newest} was out`
  }
  return undefined
}

function secondChain(history: SessionHistory): string | undefined {
  const texts = new Map<number, string>()
  for (const { handed } of servedRefreshes(history)) {
    if (handed.sid !== history.sid) return `a refresh was answered with a token of another session, ${handed.sid}`
    const known = texts.get(handed.generation)
    if (known !== undefined && known !== handed.text) return `generation ${handed.generation} has two tokens`
    texts.set(handed.generation, handed.text)
  }
  return undefined
}

/** The latest that the second of two rotations can have been, and the earliest that the first can. */
function rotatedTwice(history: SessionHistory, grace: number): string | undefined {
  const earliest = new Map<number, number>()
  const latest = new Map<number, number>()
  for (const { presented, handed, passedAt, answeredAt } of servedRefreshes(history)) {
    if (handed.generation !== presented.generation + 1) continue
    const { generation } = handed
    earliest.set(generation, Math.min(earliest.get(generation) ?? passedAt, passedAt))
    latest.set(generation, Math.min(latest.get(generation) ?? answeredAt, answeredAt))
  }
  for (const [generation, second] of latest) {
    const first = earliest.get(generation - 1)
    if (first !== undefined && second - first < grace)
      return `generations ${generation - 1} and ${generation} were made within ${Math.round(second - first)} ms`
  }
  return undefined
}

function livesAgain({ observations, listed }: SessionHistory): string | undefined {
  const end = observations.filter(tellsEnd).sort((a, b) => a.answeredAt - b.answeredAt)[0]
  if (end === undefined) return undefined
  if (listed === true) return 'the session is among the live ones after its end'
  const after = (seen: Observation) => seen.sentAt > end.answeredAt && seen.status === 200
  if (observations.some((seen) => seen.asked === 'refresh' && after(seen))) return 'a refresh was served after the end'
  const tooLate = ({ instance, sentAt }: Observation) =>
    instance === end.instance || sentAt - end.answeredAt > endEverywhereMilliseconds
  const access = observations.find((seen) => seen.asked === 'access' && after(seen) && tooLate(seen))
  return access && `an access token was good ${Math.round(access.sentAt - end.answeredAt)} ms after the end`
}

function brokenAnswer({ observations }: SessionHistory): string | undefined {
  const broken = observations.find(({ status, retryAfter }) => status >= 500 && !(status === 503 && retryAfter))
  return broken && `${broken.asked} was answered ${broken.status}`
}
