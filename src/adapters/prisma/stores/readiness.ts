import { randomUUID } from 'node:crypto'
import { Unavailable } from '../../../ports/errors.js'
import type { Readiness } from '../../../ports/runtime.js'
import { type Database, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { readMigrations } from '../migrations/migration-files.js'
import { beforeAnySession, clock } from '../sql/fragments.js'
import { tables } from '../tables.js'

interface Probed {
  readonly complete: boolean
  readonly written: boolean
}

/**
 * Checks that a refresh could be written and committed. It waits for a connection as a refresh does, and its UPDATE of
 * `session`, which matches no row, needs the same lock. It commits a change of this instance's own row: a standby, a
 * read-only database, a full disk and a lost synchronous standby refuse or delay that, but would answer a SELECT. The
 * schema must be there too: every table, and every migration of this version. Newer migrations do no harm.
 *
 * A commit can wait for a lost standby without end, and keeps its connection meanwhile. So while the row is locked by an
 * earlier check, a check writes nothing and fails: at most one connection waits.
 */
export function databaseReadiness(database: Database): Readiness {
  const instance = randomUUID()
  const migrations = readMigrations()
  // The checks report this error.
  migrations.catch(() => undefined)

  return async () => {
    try {
      const names = (await migrations).map(({ name }) => name)
      const { complete, written } = await probe(database, instance, names)
      if (!complete) throw new Unavailable('The schema of the database is not complete.')
      if (!written) throw new Unavailable('An earlier write still waits for its commit.')
    } catch (error) {
      // A fault of the statement, such as a missing table or a missing right: no request could be served either.
      throw error instanceof Unavailable ? error : new Unavailable('The schema cannot be used.', 1, { cause: error })
    }
  }
}

async function probe(database: Database, instance: string, migrations: readonly string[]): Promise<Probed> {
  const ofInstance = Prisma.sql`FROM ${tables.readinessProbe} p WHERE p.instance = ${instance}::uuid`
  const [probed] = await query<Probed>(database)`
    WITH refreshed AS (
      UPDATE ${tables.session} SET device = device WHERE id = ${beforeAnySession}::uuid
    ), unlocked AS (
      SELECT p.instance ${ofInstance} FOR NO KEY UPDATE SKIP LOCKED
    ), moved AS (
      UPDATE ${tables.readinessProbe} p SET at = ${clock} FROM unlocked u WHERE p.instance = u.instance RETURNING 1
    ), added AS (
      INSERT INTO ${tables.readinessProbe} (instance, at)
      SELECT ${instance}::uuid, ${clock} WHERE NOT EXISTS (SELECT 1 ${ofInstance})
      RETURNING 1
    )
    SELECT EXISTS (SELECT 1 FROM moved UNION ALL SELECT 1 FROM added) AS written,
      count(DISTINCT m.migration_name) = ${migrations.length} AND NOT EXISTS (${everyTable}) AS complete
    FROM ${tables.migrations} m
    WHERE m.migration_name = ANY(${migrations}) AND m.finished_at IS NOT NULL AND m.rolled_back_at IS NULL`
  return probed ?? { complete: false, written: false }
}

/** No row, and an error if a table is missing. */
const everyTable = Prisma.join(
  Object.values(tables).map((table) => Prisma.sql`SELECT 1 FROM ${table} WHERE false`),
  ' UNION ALL '
)
