import type { BenchDatabase } from './database.js'
import { type Contender, measure, type Sample } from './measure.js'

export interface Turns {
  readonly database: BenchDatabase
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
}

/** The contenders take turns in each round, so that what else the machine does meets all of them. */
export async function takeTurns(contenders: readonly Contender[], { rounds, ...options }: Turns) {
  const results = contenders.map((contender) => ({ contender, samples: [] as Sample[] }))
  for (let round = 0; round < rounds; round++) {
    for (const { contender, samples } of results) samples.push(await measure(contender, options))
  }
  return results
}

/** Until V8 has compiled what is hot. */
export async function warmUp(contenders: readonly Contender[], database: BenchDatabase): Promise<void> {
  for (const contender of contenders) await measure(contender, { database, connections: 8, seconds: 1 })
}
