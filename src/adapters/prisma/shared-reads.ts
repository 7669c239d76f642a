import { Prisma } from './generated/client.js'
import { type SharedDatabase, sharedStatements } from './shared-statements.js'

/** So that one answer stays small. */
const maxShared = 100

/**
 * Returns a function that finds the row of an id. Calls that would wait for a connection share one statement: a read then
 * costs a fraction of its planning, its round trip and Prisma's work. Each statement begins after the calls that it
 * answers, so none of them can miss what was committed before.
 *
 * `read` returns the rows whose id is as `wanted` says, in any order: `SELECT … WHERE u.id ${wanted}`. A call that reads
 * alone compares with `=`: with `ANY`, PostgreSQL makes a new plan for each execution of a prepared statement.
 */
export function sharedReads<Row extends { readonly id: string }>(
  database: SharedDatabase,
  read: (wanted: Prisma.Sql) => Promise<readonly Row[]>
): (id: string) => Promise<Row | undefined> {
  return sharedStatements<string, Row | undefined>(database, {
    name: 'database read',
    identityOf: (id) => id,
    repeated: (row) => row,
    one: async (id) => (await read(Prisma.sql`= ${id}::uuid`))[0],
    async many(ids) {
      const rows = new Map((await read(Prisma.sql`= ANY (${ids}::uuid[])`)).map((row) => [row.id, row]))
      return ids.map((id) => rows.get(id))
    },
    maxSize: maxShared
  })
}
