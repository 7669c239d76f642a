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

/** Until V8 has compiled what is hot, which takes a second. A trial of very short rounds does not wait for that. */
export async function warmUp(
  contenders: readonly Contender[],
  { database, seconds }: Pick<Turns, 'database' | 'seconds'>
): Promise<void> {
  const options = { database, connections: 8, seconds: Math.min(1, 4 * seconds) }
  for (const contender of contenders) await measure(contender, options)
}
