import pg from 'pg'
import type { Migration } from './migration-files.js'

/** One connection. Nothing else may use it until the migration has ended. */
export interface MigrationConnection {
  /** The schema of our tables. */
  readonly schema: string
  /** Runs one or more statements without values; their rows are not read. */
  script(sql: string): Promise<unknown>
  query(sql: string, values: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

interface AppliedMigration {
  readonly migration_name: string
  readonly checksum: string
  readonly finished: boolean
}

/** A table of ours, in SQL. It names the schema, because a pooler can change the connection's `search_path`. */
export const tableOf = ({ schema }: Pick<MigrationConnection, 'schema'>, name: string) =>
  `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`

const historyOf = (connection: MigrationConnection) => tableOf(connection, '_prisma_migrations')

/** The table exactly as `prisma migrate` creates it, so that the tool and this code agree about a database. */
const historyColumns = `(
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`

/** Creates `_prisma_migrations` if it does not exist. */
export async function ensureHistory(connection: MigrationConnection): Promise<void> {
  await connection.script(`CREATE TABLE IF NOT EXISTS ${historyOf(connection)} ${historyColumns}`)
}

/**
 * Those of `migrations` that the database does not have, in their order. Migrations that only the database knows are
 * ignored: during a rolling deploy a newer version has applied them, and the host's own Prisma may use the same table.
 * Throws if an applied migration differs from our file, or if `prisma migrate` left one of ours failed: a person must look
 * at these.
 */
export async function pendingMigrations(
  connection: MigrationConnection,
  migrations: readonly Migration[]
): Promise<readonly Migration[]> {
  const history = await readHistory(connection, migrations)
  const failed = history.find((applied) => !applied.finished)
  if (failed !== undefined) {
    throw new Error(
      `The migration ${failed.migration_name} failed halfway in this database. ` +
        'Repair the tables by hand, then record that with "prisma migrate resolve".'
    )
  }
  const applied = new Map(history.map((row) => [row.migration_name, row.checksum]))
  for (const { name, checksum } of migrations) {
    const known = applied.get(name)
    if (known !== undefined && known !== checksum) {
      throw new Error(
        `The migration ${name} was applied to this database from another file than the one here. ` +
          'Never edit a migration after it was applied: put the old file back and add a new migration.'
      )
    }
  }
  return migrations.filter(({ name }) => !applied.has(name))
}

/** Records that `migration` is applied, as `prisma migrate` does. */
export async function recordApplied(connection: MigrationConnection, { name, checksum }: Migration): Promise<void> {
  await connection.query(
    `INSERT INTO ${historyOf(connection)} ("id", "checksum", "finished_at", "migration_name", "started_at", "applied_steps_count")
     VALUES (gen_random_uuid()::text, $1, clock_timestamp(), $2, now(), 1)`,
    [checksum, name]
  )
}

/** The rows of `migrations`, and no others. */
async function readHistory(
  connection: MigrationConnection,
  migrations: readonly Migration[]
): Promise<readonly AppliedMigration[]> {
  const history = historyOf(connection)
  const { rows: tables } = await connection.query('SELECT 1 WHERE to_regclass($1) IS NOT NULL', [history])
  if (tables.length === 0) return []
  const { rows } = await connection.query(
    `SELECT "migration_name", "checksum", "finished_at" IS NOT NULL AS "finished"
     FROM ${history} WHERE "rolled_back_at" IS NULL AND "migration_name" = ANY($1)`,
    [migrations.map(({ name }) => name)]
  )
  return rows as readonly AppliedMigration[]
}
