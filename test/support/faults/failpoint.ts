import type { Database } from '../../../src/adapters/prisma/database.js'
import { Prisma, type PrismaClient } from '../../../src/adapters/prisma/generated/client.js'

/** When a process is killed: before the statement is sent, after it ran without a commit, or after its commit. */
export const failpoints = ['before', 'uncommitted', 'committed'] as const
export type Failpoint = (typeof failpoints)[number]

/** The database with a kill -9 at `point` of the first rotation. It exists only in tests: the package has no such switch. */
export function withFailpoint(database: Database, point: Failpoint): Database {
  return {
    ...database,
    run: (operation) =>
      database.run((prisma) => {
        const rotating = async (query: QueryRaw) => {
          if (point === 'before') return die()
          if (point === 'committed') {
            await prisma.$queryRaw(...query)
            return die()
          }
          return prisma.$transaction(async (transaction) => {
            await transaction.$queryRaw(...query)
            return die()
          })
        }
        const queryRaw = (...query: QueryRaw) =>
          textOf(query).includes('retry_key_hash = ') ? rotating(query) : prisma.$queryRaw(...query)
        const get = (client: typeof prisma, name: string) =>
          name === '$queryRaw' ? queryRaw : Reflect.get(client, name)
        return operation(new Proxy(prisma, { get }))
      })
  }
}

type QueryRaw = Parameters<PrismaClient['$queryRaw']>

/** The whole statement: parts of it are fragments among the values. */
function textOf([statement, ...values]: QueryRaw): string {
  return 'sql' in statement ? statement.sql : Prisma.sql(statement, ...values).sql
}

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
}
