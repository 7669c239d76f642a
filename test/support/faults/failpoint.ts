import type { Database } from '../../../src/adapters/prisma/database.js'
import { Prisma, type PrismaClient } from '../../../src/adapters/prisma/generated/client.js'

/** Faults of refreshes. They exist only in tests: the package has no such switches. */

/**
 * When a process is killed: before the statement of a refresh is sent, after it ran without a commit, or after its commit.
 * `batch committed` is after the commit of a statement that several refreshes share.
 */
export const killpoints = ['before', 'uncommitted', 'committed', 'batch committed'] as const
export type Killpoint = (typeof killpoints)[number]

/** The database with a kill -9 at `point` of the first rotation. */
export function withKill(database: Database, point: Killpoint): Database {
  return onRotations(database, async (size, run, prisma) => {
    if (point === 'before') return die()
    if (point === 'uncommitted') {
      return prisma.$transaction(async (transaction) => {
        await run(transaction)
        return die()
      })
    }
    if (point === 'batch committed' && size === 1) {
      await held()
      return run(prisma)
    }
    await run(prisma)
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
  return onRotations(database, async (size, run, prisma) => {
    await held()
    noteSize(size)
    return run(prisma)
  })
}

type QueryRaw = Parameters<PrismaClient['$queryRaw']>
type Run = (client: Pick<PrismaClient, '$queryRaw'>) => Promise<unknown>

/** The database with `replacement` for the statements that rotate `size` sessions; `run` is the statement itself. */
function onRotations(
  database: Database,
  replacement: (size: number, run: Run, prisma: PrismaClient) => Promise<unknown>
): Database {
  return {
    ...database,
    run: (operation) =>
      database.run((prisma) => {
        const queryRaw = (...query: QueryRaw) => {
          const { sql, values } = wholeOf(query)
          if (!sql.includes('generation = s.generation + 1')) return prisma.$queryRaw(...query)
          const ids = values.find((value) => Array.isArray(value))
          return replacement(ids?.length ?? 1, (client) => client.$queryRaw(...query), prisma)
        }
        const get = (client: typeof prisma, name: string) =>
          name === '$queryRaw' ? queryRaw : Reflect.get(client, name)
        return operation(new Proxy(prisma, { get }))
      })
  }
}

/** The whole statement: parts of it are fragments among the values. */
function wholeOf([statement, ...values]: QueryRaw) {
  return 'sql' in statement ? statement : Prisma.sql(statement, ...values)
}

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
}
