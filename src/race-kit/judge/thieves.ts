import { type ClientKind, clientKinds, type ThiefKind, thiefKindNames } from '../plan/kinds.js'
import {
  gotNewerToken,
  type Sender,
  type ServedRefresh,
  type SessionHistory,
  servedRefreshes
} from '../record/history.js'
import { generationsOf, keyUsedBy, mayBeItsKey } from './generations.js'

/** What became of the thieves of one kind. */
export interface ThiefCount {
  readonly kind: ThiefKind
  /** Whether their clients send keys. Without one, a thief of the storage has only the token. */
  readonly clientHasKey: boolean
  readonly thieves: number
  /** The session ended, because both used it. */
  readonly caught: number
  /** Not caught, but no refresh got a newer token. */
  readonly heldOff: number
  /** Got a newer token and was not caught. */
  readonly wentAlong: number
  /** Of those that went along, how many sessions have an event `refresh_recovered`. */
  readonly leftEvent: number
}

/** Counts the thieves that used a stolen token, by kind. */
export function countThieves(histories: readonly SessionHistory[]): readonly ThiefCount[] {
  return thiefKindNames.flatMap((kind) =>
    [true, false].flatMap((clientHasKey) => {
      const robbed = histories.filter(
        (history) => history.thief === kind && hasKey(history.kind) === clientHasKey && wasUsed(history)
      )
      if (robbed.length === 0) return []
      const free = robbed.filter((history) => !wasReuseDetected(history))
      const along = free.filter((history) => servedRefreshes(history).some(isThiefs))
      return {
        kind,
        clientHasKey,
        thieves: robbed.length,
        caught: robbed.length - free.length,
        heldOff: free.length - along.length,
        wentAlong: along.length,
        leftEvent: along.filter(({ recoveries = 0 }) => recoveries > 0).length
      }
    })
  )
}

/**
 * Both go on if client and thief each receive at least two generations that are new to them. The count restarts at each
 * theft. In a session that uses no key, it also restarts at each step that may lie inside the grace window, which allows
 * such a step. A thief who has the key is not judged: the service cannot tell it from the client.
 */
export function findDivergence(history: SessionHistory, grace: number): string | undefined {
  if (history.thief === 'storage' && hasKey(history.kind)) return undefined
  const served = servedRefreshes(history)
  const keyUsed = keyUsedBy(generationsOf(history)) ?? Number.POSITIVE_INFINITY
  let steps: Record<Sender, number> = { honest: 0, thief: 0 }
  const newest: Record<Sender, number> = { honest: 0, thief: 0 }
  const thefts = [...history.thefts]
  const moves = [
    ...served.filter(gotNewerToken),
    ...history.observations.filter(({ purpose, status }) => purpose === 'refresh' && status === 0)
  ]
  for (const step of served.filter(gotNewerToken)) {
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
    const isAllowed = mayBeInside && deliveredAt <= keyUsed
    steps = isAllowed ? { honest: 0, thief: 0 } : { ...steps, [sender]: steps[sender] + 1 }
    if (Math.min(steps.honest, steps.thief) > 1)
      return `client and thief both went on, to generation ${issued.generation}`
  }
  return undefined
}

/** A token two generations old may be served only to a sender with the key, within the grace window. */
export function findStaleService(history: SessionHistory, grace: number): string | undefined {
  const served = servedRefreshes(history)
  const generations = generationsOf(history)
  for (const { presented, issued, deliveredAt, idempotencyKey } of served) {
    const before = served.filter((other) => other.answeredAt < deliveredAt)
    const newest = Math.max(...before.map((other) => other.issued.generation))
    if (presented.generation + 2 > newest) continue
    const generation = generations.get(newest)
    const mayBeInside = before.some(
      (other) => other.issued.generation === newest && gotNewerToken(other) && deliveredAt - other.answeredAt < grace
    )
    const mayHaveKey =
      idempotencyKey !== undefined && (generation === undefined || mayBeItsKey(generation, idempotencyKey, grace))
    if (presented.generation + 2 === newest && mayBeInside && mayHaveKey) continue
    return `generation ${presented.generation} was answered with ${issued.generation}, after ${newest} was issued`
  }
  return undefined
}

/** Inside the window, once the session uses a key, an older token gets a newer one only with the newest one's key. */
export function findAnswerWithoutKey(history: SessionHistory, grace: number): string | undefined {
  const generations = generationsOf(history)
  const keyUsed = keyUsedBy(generations) ?? Number.POSITIVE_INFINITY
  for (const [number, generation] of generations) {
    const { answers, makers, earliest } = generation
    const wrong = answers.find((answer) => {
      if (makers.includes(answer) || answer.deliveredAt <= keyUsed || answer.answeredAt - earliest >= grace)
        return false
      const { idempotencyKey: key } = answer
      return key === undefined || !mayBeItsKey(generation, key, grace)
    })
    if (wrong === undefined) continue
    const { sender, idempotencyKey, presented } = wrong
    const how = idempotencyKey === undefined ? 'without a key' : 'with another key'
    return `inside the window, ${sender} got generation ${number} for ${presented.generation} ${how}`
  }
  return undefined
}

/** For each generation that was sent again after the window, there must be one event. */
export function findMissingEvent(history: SessionHistory, grace: number): string | undefined {
  const { recoveries } = history
  if (recoveries === undefined) return undefined
  const late = [...generationsOf(history)].filter(([, { answers, latest }]) =>
    answers.some(({ deliveredAt }) => deliveredAt - latest > grace)
  )
  if (late.length <= recoveries) return undefined
  return `${late.length} generations were sent again after the window, with ${recoveries} events`
}

export function wasUsed({ observations }: SessionHistory): boolean {
  return observations.some(({ sender, purpose }) => sender === 'thief' && purpose === 'refresh')
}

export function wasReuseDetected({ observations }: SessionHistory): boolean {
  return observations.some(({ reason }) => reason === 'reuse_detected')
}

const hasKey = (kind: ClientKind) => clientKinds[kind].keys !== 'none'

const isThiefs = (refresh: ServedRefresh) => refresh.sender === 'thief' && gotNewerToken(refresh)
