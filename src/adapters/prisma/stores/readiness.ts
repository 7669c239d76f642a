import { Unavailable } from '../../../ports/errors.js'
import type { Entropy, Readiness } from '../../../ports/runtime.js'
import { type Database, query } from '../database.js'
import { Prisma } from '../generated/client.js'
import { readMigrations } from '../migrations/migration-files.js'
import { beforeAnySession, clock } from '../sql/fragments.js'
import { tables } from '../tables.js'

/** Bounds the table, also after many restarts, and is so many that instances rarely share a row. */
const slots = 1024

/**
 * Checks that a refresh could be written: it waits for a connection as a refresh does, and commits a row. A standby, a
 * read-only database and a full disk refuse that, and a lost synchronous standby never confirms it, but all of them
 * would answer a SELECT. The UPDATE of `session` matches no row: it only needs the table's lock and the right to write.
 * The schema must be there too: every table, and every migration of this version. Newer migrations do no harm.
 *
 * Each process keeps to one row. While a commit waits for ever, it keeps the row locked, so the next probes fail at the
 * row and do not become waiting commits themselves. Instances with rows of their own do not wait for each other.
 */
export function databaseReadiness(database: Database, entropy: Pick<Entropy, 'bytes'>): Readiness {
  const migrations = readMigrations()
  // The probes report this error.
  migrations.catch(() => undefined)
  const slot = Buffer.from(entropy.bytes(2)).readUInt16BE() % slots

  return async () => {
    try {
      const names = (await migrations).map(({ name }) => name)
      const [row] = await query<{ complete: boolean }>(database)`
        WITH writable AS (
          UPDATE ${tables.session} SET device = device WHERE id = ${beforeAnySession}::uuid
        ), written AS (
          INSERT INTO ${tables.readinessProbe} (slot, written_at) VALUES (${slot}::smallint, ${clock})
          ON CONFLICT (slot) DO UPDATE SET written_at = excluded.written_at
        )
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
  Object.values(tables).map((table) => Prisma.sql`SELECT FROM ${table} WHERE false`),
  ' UNION ALL '
)
