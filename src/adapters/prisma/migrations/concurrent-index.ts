import { setTimeout as delay } from 'node:timers/promises'
import { type MigrationConnection, tableOf } from './history.js'
import type { Migration } from './migration-files.js'

const created = /^CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+"([^"]+)"\s+ON\s+"([^"]+)"/i
const dropped = /^DROP\s+INDEX\s+CONCURRENTLY\s+IF\s+EXISTS\s+"[^"]+"$/i

const commitMilliseconds = 500

/** The index that a migration builds. */
interface Build {
  readonly index: string
  readonly table: string
}

/**
 * Runs a migration that is outside a transaction. It is one statement, which builds or drops one index, because only
 * such a migration can be repeated after it was interrupted anywhere: an INVALID index that was left behind is dropped
 * and built again, and a valid one counts as built. So a person can also build it beforehand, under the same name.
 */
export async function changeIndex(
  connection: MigrationConnection,
  migration: Migration,
  { report, pauseMilliseconds }: { readonly report: (line: string) => void; readonly pauseMilliseconds: number }
): Promise<void> {
  const { sql, name } = migration
  const build = readBuild(migration)
  if (build === undefined) return void (await connection.script(sql))

  // Ask again and again: a statement that waits for the table has a snapshot, which a build waits for.
  for (let waits = 0; await isBeingBuilt(connection, build); waits++) {
    if (waits === 0) report(`${name}: the server still works on the table for an attempt that was interrupted.`)
    await delay(pauseMilliseconds)
  }
  // A build lets go of its lock just before it commits.
  if ((await findIndex(connection, build)) === 'invalid') await delay(commitMilliseconds)
  const left = await findIndex(connection, build)
  if (left === 'valid') return
  if (left === 'invalid') {
    report(`${name}: dropping the unfinished index of an attempt that was interrupted, and building it again.`)
    await connection.script(`DROP INDEX CONCURRENTLY ${tableOf(connection, build.index)}`)
  }
  await connection.script(sql)
}

/** Undefined if the migration drops an index. Throws if it does anything else. */
function readBuild({ name, sql }: Migration): Build | undefined {
  const statement = sql
    .replace(/^\s*--.*$/gm, '')
    .trim()
    .replace(/\s*;$/, '')
  const [, index, table] = created.exec(statement) ?? []
  const build = index === undefined || table === undefined ? undefined : { index, table }
  if (statement.includes(';') || (build === undefined && !dropped.test(statement))) {
    throw new Error(
      `The migration ${name} is outside a transaction, so it must be one statement: ` +
        'CREATE [UNIQUE] INDEX CONCURRENTLY "name" ON "table" …, or DROP INDEX CONCURRENTLY IF EXISTS "name".'
    )
  }
  return build
}

/**
 * Whether a client's connection has the lock of a build on the table: the server goes on with a build after its process
 * was killed. Autovacuum, which has no user, has the lock too, but gives way to a build.
 */
async function isBeingBuilt(connection: MigrationConnection, { table }: Build): Promise<boolean> {
  const { rows } = await connection.query(
    `SELECT 1 FROM pg_locks JOIN pg_stat_activity USING ("pid")
      WHERE "mode" = 'ShareUpdateExclusiveLock' AND "granted" AND "usesysid" IS NOT NULL
        AND "relation" = to_regclass($1) AND "datname" = current_database()`,
    [tableOf(connection, table)]
  )
  return rows.length > 0
}

async function findIndex(connection: MigrationConnection, { index }: Build): Promise<'valid' | 'invalid' | undefined> {
  const { rows: valid } = await connection.query(
    'SELECT 1 FROM pg_index WHERE "indexrelid" = to_regclass($1) AND "indisvalid"',
    [tableOf(connection, index)]
  )
  if (valid.length > 0) return 'valid'
  const { rows } = await connection.query('SELECT 1 WHERE to_regclass($1) IS NOT NULL', [tableOf(connection, index)])
  return rows.length > 0 ? 'invalid' : undefined
}
