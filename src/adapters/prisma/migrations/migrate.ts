import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { CannotStart } from '../../../ports/errors.js'
import { changeIndex } from './concurrent-index.js'
import { ensureHistory, type MigrationConnection, pendingMigrations, recordApplied } from './history.js'
import { isOutsideTransaction, type Migration } from './migration-files.js'
import type { MigrationLock } from './migration-lock.js'

export interface MigrateOptions {
  /**
   * Takes the lock that keeps other processes from migrating. Called only if there is something to migrate. Missing
   * where no other process can use the database.
   */
  readonly lock?: () => Promise<MigrationLock>
  /** The names of migrations to record as applied without running them, for engines that lack what they need. */
  readonly markApplied?: readonly string[]
  /** Gets a line for a person when a migration begins, or has to wait. */
  readonly report?: (line: string) => void
  /** Between two attempts to lock a table. */
  readonly pauseMilliseconds?: number
}

/** How a database is opened. */
export interface OpeningOptions extends Pick<MigrateOptions, 'markApplied' | 'report'> {
  /** Whether to apply new migrations, which is the default. `false` throws `CannotStart` if one is missing. */
  readonly migrate?: boolean
}

type Settled = Required<Omit<MigrateOptions, 'lock'>>

/**
 * How long a statement waits for a table's lock. All later statements of the table wait behind it, so it is less than
 * the time for which a request waits for a lock, and more than the second after which autovacuum gives way.
 */
const tableLock = '1500ms'
const tableLockAttempts = 10
/** How long one statement of a migration may run. One that needs longer sets its own `statement_timeout`. */
const statement = '10min'
/** How long the build of an index waits for each transaction that began before it. The build itself has no limit. */
const oldTransactions = '10min'

/**
 * Applies those of `migrations` that the database does not have, in their order, each in its own transaction together
 * with its row in `_prisma_migrations`. Any number of processes may call it at once. Throws as `pendingMigrations` does,
 * and if a migration fails; the ones before it stay applied. The time-outs of the role, which are for requests, do not
 * count.
 */
export async function migrate(
  connection: MigrationConnection,
  migrations: readonly Migration[],
  options: MigrateOptions = {}
): Promise<void> {
  const { lock, markApplied = [], report = () => undefined, pauseMilliseconds = 1000 } = options
  const unknown = markApplied.find((name) => !migrations.some((migration) => migration.name === name))
  if (unknown !== undefined) throw new Error(`There is no migration ${unknown} in this version.`)
  // First without the lock: most starts have nothing to apply, and may not be allowed to write.
  if ((await pendingMigrations(connection, migrations)).length === 0) return
  const held = await lock?.()
  try {
    await ensureHistory(connection)
    for (const migration of await pendingMigrations(connection, migrations)) {
      await held?.stillHeld()
      await apply(connection, migration, { markApplied, report, pauseMilliseconds })
    }
  } finally {
    await held?.release()
  }
}

/** Throws `CannotStart` if the database lacks one of `migrations`, and as `pendingMigrations` does. Changes nothing. */
export async function requireMigrated(
  connection: MigrationConnection,
  migrations: readonly Migration[]
): Promise<void> {
  const [first, ...more] = await pendingMigrations(connection, migrations)
  if (first === undefined) return
  const others = more.length === 0 ? '' : ` and ${more.length} more`
  throw new CannotStart(
    `MIGRATE is off, and the schema "${connection.schema}" of the database lacks the migration ${first.name}${others}: run "latchkey migrate" first.`
  )
}

async function apply(connection: MigrationConnection, migration: Migration, settled: Settled): Promise<void> {
  const { name } = migration
  if (settled.markApplied.includes(name)) {
    settled.report(`${name}: recorded as applied, and not run.`)
    return recordApplied(connection, migration)
  }
  settled.report(`${name}: applying.`)
  if (!isOutsideTransaction(migration)) return applyInTransaction(connection, migration, settled)
  try {
    await connection.script(
      `SET search_path = ${pg.escapeIdentifier(connection.schema)}; SET statement_timeout = 0; SET lock_timeout = '${oldTransactions}'`
    )
    await changeIndex(connection, migration, settled)
    await connection.script('RESET search_path; RESET statement_timeout; RESET lock_timeout')
  } catch (error) {
    throw new Error(`The migration ${name} failed. The next attempt begins it again.`, { cause: error })
  }
  await recordApplied(connection, migration)
}

async function applyInTransaction(
  connection: MigrationConnection,
  migration: Migration,
  { report, pauseMilliseconds }: Settled
): Promise<void> {
  const { name, sql } = migration
  for (let attempt = 1; ; attempt++) {
    await connection.script('BEGIN ISOLATION LEVEL READ COMMITTED')
    try {
      await connection.script(
        `SET LOCAL search_path = ${pg.escapeIdentifier(connection.schema)};
         SET LOCAL lock_timeout = '${tableLock}';
         SET LOCAL statement_timeout = '${statement}'`
      )
      await connection.script(sql)
      await recordApplied(connection, migration)
      await connection.script('COMMIT')
      return
    } catch (error) {
      await connection.script('ROLLBACK')
      if (attempt >= tableLockAttempts || !isLockTimeout(error)) {
        throw new Error(`The migration ${name} failed and was rolled back.`, { cause: error })
      }
      if (attempt === 1) report(`${name}: other transactions use its tables: waiting for them.`)
    }
    await delay(pauseMilliseconds)
  }
}

const isLockTimeout = (error: unknown) => error instanceof Error && 'code' in error && error.code === '55P03'
