import { type BatchOptions, inBatches } from '../queue/batches.js'
import type { Bounds, Database } from './database.js'

/** How many statements of a kind run at once: while one works, another commits, and the rows of a third arrive. */
const maxRunning = 3

/** Longer than a statement takes that waits for nothing, and short for a person who waits. */
const slowMilliseconds = 50

/** What items that share statements need of a database. */
export type SharedDatabase = Pick<Database, 'bounds' | 'alsoWaiting'>

/** `inBatches` for items that share statements of `database`. Items that wait count as waiting operations. */
export function sharedStatements<Item, Result>(
  { bounds, alsoWaiting }: SharedDatabase,
  options: Omit<BatchOptions<Item, Result>, keyof Bounds | 'slowMilliseconds'>
): (item: Item) => Promise<Result> {
  const { serve, waiting } = inBatches({
    ...options,
    ...bounds,
    maxRunning: Math.min(maxRunning, bounds.maxRunning),
    slowMilliseconds
  })
  alsoWaiting(waiting)
  return serve
}
