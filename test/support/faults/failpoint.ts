import type { Database } from '../../../src/adapters/prisma/database.js'
import type { PrismaClient } from '../../../src/adapters/prisma/generated/client.js'
import type { Ask } from '../../../src/adapters/prisma/statements.js'

/** Faults of refreshes. They exist only in tests: the package has no such switches. */

/**
 * When a process is killed: before the statement of a refresh is sent, after it ran without a commit, or after its commit.
 * `batch committed` is after the commit of a statement that several refreshes share.
 */
export const killpoints = ['before', 'uncommitted', 'committed', 'batch committed'] as const
export type Killpoint = (typeof killpoints)[number]

/** The database with a kill -9 at `point` of the first rotation. */
export function withKill(database: Database, point: Killpoint): Database {
  return onRotations(database, async (size, run, prisma, ask) => {
    if (point === 'before') return die()
    if (point === 'uncommitted') {
      return prisma.$transaction(async (transaction) => {
        await run((text, values) => transaction.$queryRawUnsafe(text, ...values))
        return die()
      })
    }
    if (point === 'batch committed' && size === 1) {
      await held()
      return run(ask)
    }
    await run(ask)
    return die()
  })
}

/** Longer than simultaneous refreshes need to arrive, and shorter than the time after which a statement counts as slow. */
const held = () => new Promise((resolve) => setTimeout(resolve, 25))

/**
 * The database that holds each rotation before its statement, so that refreshes which arrive meanwhile share the next
 * statement. `noteSize` is called with the number of refreshes of each.
 */
export function withForcedBatches(database: Database, noteSize: (size: number) => void = () => undefined): Database {
  return onRotations(database, async (size, run, _, ask) => {
    await held()
    noteSize(size)
    return run(ask)
  })
}

type Run = (ask: (text: string, values: readonly unknown[]) => Promise<unknown>) => Promise<unknown>

/** The database with `replacement` for the statements that rotate `size` sessions; `run` asks the statement itself. */
function onRotations(
  database: Database,
  replacement: (size: number, run: Run, prisma: PrismaClient, ask: Ask) => Promise<unknown>
): Database {
  return {
    ...database,
    run: (operation) =>
      database.run((prisma, ask) => {
        const replaced = (text: string, values: readonly unknown[]): Promise<unknown> => {
          if (!text.includes('generation = s.generation + 1')) return ask(text, values)
          const ids = values.find((value) => Array.isArray(value))
          return replacement(ids?.length ?? 1, (other) => other(text, values), prisma, ask)
        }
        return operation(prisma, replaced as Ask)
      })
  }
}

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
}
