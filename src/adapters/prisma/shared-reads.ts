import type { Database } from './database.js'
import { Prisma } from './generated/client.js'
import { preparedStatement } from './prepared-statements.js'
import { type SharedDatabase, sharedStatements } from './shared-statements.js'

/** So that one answer stays small. */
const maxShared = 100

/**
 * Returns a function that finds the row of an id. Calls that would wait for a connection share one statement: a read then
 * costs a fraction of its planning, its round trip and its work in the process. Each statement begins after the calls that
 * it answers, so none of them can miss what was committed before.
 *
 * `read` makes the statement that returns the rows whose id is as `wanted` says, in any order:
 * `SELECT … WHERE u.id ${wanted}`. A call that reads alone compares with `=`: with `ANY`, PostgreSQL makes a new plan for
 * each execution of a prepared statement.
 */
export function sharedReads<Row extends { readonly id: string }, Found>(
  database: SharedDatabase & Pick<Database, 'run'>,
  read: (wanted: Prisma.Sql) => Prisma.Sql,
  toFound: (row: Row) => Found
): (id: string) => Promise<Found | undefined> {
  const readOne = preparedStatement<Row, { readonly id: string }>(database, (given) =>
    read(Prisma.sql`= ${given('id')}::uuid`)
  )
  const readMany = preparedStatement<Row, { readonly ids: readonly string[] }>(database, (given) =>
    read(Prisma.sql`= ANY (${given('ids')}::uuid[])`)
  )
  return sharedStatements<string, Found | undefined>(database, {
    name: 'database read',
    identityOf: (id) => id,
    repeated: (found) => found,
    async one(id) {
      const [row] = await readOne({ id })
      return row && toFound(row)
    },
    async many(ids) {
      const rows = new Map((await readMany({ ids })).map((row) => [row.id, toFound(row)]))
      return ids.map((id) => rows.get(id))
    },
    maxSize: maxShared
  })
}
