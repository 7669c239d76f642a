import { gotNewerToken, type ServedRefresh, type SessionHistory, servedRefreshes } from '../record/history.js'

/**
 * What the responses tell about one generation. The proxy does not see which of several requests made it, nor when it was
 * made, so there are several possible makers, and a first and a last possible time.
 */
interface Generation {
  /** The requests that may have made it. */
  readonly makers: readonly ServedRefresh[]
  readonly earliest: number
  readonly latest: number
  /** The refreshes that it answered with a newer token, its makers too. */
  readonly answers: readonly ServedRefresh[]
}

/** The generations that refreshes made. One that a request without response may have made is left out. */
export function generationsOf(history: Pick<SessionHistory, 'observations'>): ReadonlyMap<number, Generation> {
  const served = servedRefreshes(history)
  const generations = new Map<number, Generation>()
  for (const number of new Set(served.filter(gotNewerToken).map(({ issued }) => issued.generation))) {
    const answers = served.filter((each) => each.issued.generation === number && gotNewerToken(each))
    const latest = Math.min(
      ...served.filter(({ issued }) => issued.generation === number).map(({ answeredAt }) => answeredAt)
    )
    const isUnclear = history.observations.some(
      ({ purpose, status, presented, deliveredAt }) =>
        purpose === 'refresh' && status === 0 && presented?.generation === number - 1 && deliveredAt <= latest
    )
    const makers = answers.filter(
      ({ presented, deliveredAt }) => presented.generation === number - 1 && deliveredAt <= latest
    )
    if (isUnclear || makers.length === 0) continue
    generations.set(number, { makers, earliest: Math.min(...makers.map((each) => each.deliveredAt)), latest, answers })
  }
  return generations
}

/** By when the session had certainly used a key; undefined if it is not certain that it ever did. */
export function keyUsedBy(generations: ReadonlyMap<number, Generation>): number | undefined {
  const withKey = [...generations.values()].filter(({ makers }) =>
    makers.every(({ idempotencyKey }) => idempotencyKey !== undefined)
  )
  return withKey.length === 0 ? undefined : Math.min(...withKey.map(({ latest }) => latest))
}

/** Whether `key` may be the key of the request that made the generation, or of a late one that took its place. */
export function mayBeItsKey({ makers, answers, earliest }: Generation, key: string, grace: number): boolean {
  const late = answers.filter(({ answeredAt }) => answeredAt - earliest >= grace)
  return [...makers, ...late].some(({ idempotencyKey }) => idempotencyKey === key)
}
