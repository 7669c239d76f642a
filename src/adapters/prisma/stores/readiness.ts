import { Unavailable } from '../../../ports/errors.js'
import type { Readiness } from '../../../ports/runtime.js'
import { type Database, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { readMigrations } from '../migrations/migration-files.js'
import { beforeAnySession } from '../sql/fragments.js'
import { tables } from '../tables.js'

/**
 * Checks that a refresh could be written: it waits for a connection as a refresh does, and its UPDATE of the same table
 * matches no row. A standby, a read-only database and a locked table refuse that, but would answer a SELECT. The schema
 * must be there too: every table, and every migration of this version. Newer migrations do no harm.
 */
export function databaseReadiness(database: Database): Readiness {
  const migrations = readMigrations()
  // The probes report this error.
  migrations.catch(() => undefined)

  return async () => {
    try {
      const names = (await migrations).map(({ name }) => name)
      const [row] = await query<{ complete: boolean }>(database)`
        WITH writable AS (UPDATE ${tables.session} SET device = device WHERE id = ${beforeAnySession}::uuid)
        SELECT count(DISTINCT migration_name) = ${names.length}
           AND NOT EXISTS (${everyTable})
          AS complete
          FROM ${tables.migrations}
         WHERE migration_name = ANY(${names}) AND finished_at IS NOT NULL AND rolled_back_at IS NULL`
      if (row?.complete !== true) throw new Unavailable('The schema of the database is not complete.')
    } catch (error) {
      // A fault of the statement, such as a missing table or a missing right: no request could be served either.
      throw error instanceof Unavailable ? error : new Unavailable('The schema cannot be used.', 1, { cause: error })
    }
  }
}

/** No row, and an error if a table is missing. */
const everyTable = Prisma.join(
  Object.values(tables).map((table) => Prisma.sql`SELECT 1 FROM ${table} WHERE false`),
  ' UNION ALL '
)
