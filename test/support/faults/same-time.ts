import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'

const tries = 2000
export const rounds = tries + 200
/**
 * The chance that a try of one kind takes longer than a try of another is 0.5 if their times do not differ. It may
 * differ from 0.5 by this much: five standard errors, each 0.009 at 2,000 tries.
 */
const maxDifference = 0.045

type Attempt = (turn: number) => { readonly url: string; readonly payload: object }

/** Makes all attempts in turn, and expects that none takes longer than another. */
export async function expectSameTime(
  t: Test,
  app: FastifyInstance,
  attempts: Readonly<Record<string, Attempt>>,
  status: number
): Promise<void> {
  const kinds = Object.entries(attempts).map(([name, attempt]) => ({ name, attempt, times: [] as number[] }))
  for (let turn = 0; turn < rounds; turn += 1) {
    const first = turn % kinds.length
    const inTurn = [...kinds.slice(first), ...kinds.slice(0, first)]
    // Each kind follows each other equally often, because a try may pay for work that the one before left.
    for (const { name, attempt, times } of turn % 2 === 0 ? inTurn : inTurn.toReversed()) {
      const request = attempt(turn)
      const startedAt = performance.now()
      const { statusCode } = await app.inject({ method: 'POST', ...request })
      times.push(performance.now() - startedAt)
      if (statusCode !== status) t.fail(`${name} answered ${statusCode}`)
    }
  }
  const measured = kinds.map(({ name, times }) => [name, times.slice(-tries)] as const)
  for (const [name, samples] of measured) t.comment(`${name}: median ${median(samples).toFixed(3)} ms`)
  for (const [i, [name, samples]] of measured.entries()) {
    for (const [other, others] of measured.slice(i + 1)) {
      const chance = chanceOfLonger(samples, others)
      const difference = Math.abs(chance - 0.5)
      t.ok(difference < maxDifference, `${name} takes longer than ${other} with a chance of ${chance.toFixed(4)}`)
    }
  }
}

/** The share of pairs in which the value of `a` is larger than that of `b`; ties count half (Mann-Whitney U). */
function chanceOfLonger(a: readonly number[], b: readonly number[]): number {
  const sorted = b.toSorted((x, y) => x - y)
  const below = (value: number, orEqual: boolean) => {
    let [low, high] = [0, sorted.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const at = sorted[middle] ?? Number.POSITIVE_INFINITY
      if (at < value || (orEqual && at === value)) low = middle + 1
      else high = middle
    }
    return low
  }
  const wins = a.reduce((sum, value) => sum + (below(value, false) + below(value, true)) / 2, 0)
  return wins / (a.length * b.length)
}

function median(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1] ?? Number.NaN
}
