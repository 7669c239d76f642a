import type { Migration } from './migration-files.js'

/** One connection. Nothing else may use it until `migrate` has returned. */
export interface MigrationConnection {
  /** Runs one or more statements without values; their rows are not read. */
  script(sql: string): Promise<unknown>
  query(sql: string, values: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

interface AppliedMigration {
  readonly migration_name: string
  readonly checksum: string
  readonly finished: boolean
}

/** The advisory lock of `prisma migrate`: it and we never migrate at the same time. */
const prismaMigrateLock = 72707369

/** The table exactly as `prisma migrate` creates it, so that the tool and this code agree about a database. */
const createHistory = `CREATE TABLE "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`

/**
 * Applies those of `migrations` that the database does not have, in their order, each in its own transaction together
 * with its row in `_prisma_migrations`. Any number of processes may call it at once. Migrations that only the database
 * knows are ignored: during a rolling deploy a newer version has applied them. Throws if an applied migration differs
 * from our file, or if `prisma migrate` left a failed one behind: a person must look at these.
 */
export async function migrate(connection: MigrationConnection, migrations: readonly Migration[]): Promise<void> {
  // First without the lock: most starts have nothing to apply, and may not be allowed to write.
  if (pending(migrations, await readHistory(connection)).length === 0) return
  await connection.query('SELECT pg_advisory_lock($1)', [prismaMigrateLock])
  try {
    const history = await readHistory(connection)
    if (history === undefined) await connection.script(createHistory)
    for (const migration of pending(migrations, history)) await apply(connection, migration)
  } finally {
    await connection.query('SELECT pg_advisory_unlock($1)', [prismaMigrateLock])
  }
}

/** Undefined if the database has no history yet. */
async function readHistory(connection: MigrationConnection): Promise<readonly AppliedMigration[] | undefined> {
  const { rows: tables } = await connection.query(`SELECT 1 WHERE to_regclass('"_prisma_migrations"') IS NOT NULL`, [])
  if (tables.length === 0) return undefined
  const { rows } = await connection.query(
    `SELECT "migration_name", "checksum", "finished_at" IS NOT NULL AS "finished"
     FROM "_prisma_migrations" WHERE "rolled_back_at" IS NULL`,
    []
  )
  return rows as readonly AppliedMigration[]
}

function pending(migrations: readonly Migration[], history: readonly AppliedMigration[] = []): readonly Migration[] {
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

async function apply(connection: MigrationConnection, { name, sql, checksum }: Migration): Promise<void> {
  await connection.script('BEGIN')
  try {
    // A statement that waits for a table's lock blocks all later ones: better to fail and be started again.
    await connection.script(`SET LOCAL lock_timeout = '5s'`)
    await connection.script(sql)
    await connection.query(
      `INSERT INTO "_prisma_migrations" ("id", "checksum", "finished_at", "migration_name", "started_at", "applied_steps_count")
       VALUES (gen_random_uuid()::text, $1, clock_timestamp(), $2, now(), 1)`,
      [checksum, name]
    )
    await connection.script('COMMIT')
  } catch (error) {
    await connection.script('ROLLBACK')
    throw new Error(`The migration ${name} failed and was rolled back.`, { cause: error })
  }
}
