import { setTimeout as delay } from 'node:timers/promises'
import { type MigrationConnection, tableOf } from './history.js'

/** Held by the one process that migrates a database. It ends with its connection, so a killed process leaves none. */
export interface MigrationLock {
  /** Rejects if the lock's connection is broken: another process may be migrating by now. */
  stillHeld(): Promise<void>
  /** Never rejects. */
  release(): Promise<void>
}

export interface LockOptions {
  /** Called when it has to wait, and then every minute. */
  readonly report: (line: string) => void
  readonly pauseMilliseconds?: number
}

/** Returns a row if it takes the lock of `prisma migrate`, whose number this is: it and we never migrate at the same time. */
const advisoryLock = 'SELECT 1 WHERE pg_try_advisory_xact_lock(72707369)'
const reportMilliseconds = 60_000

/** Other engines lack advisory locks: feature_not_supported, undefined_function. */
const lacksAdvisoryLocks = /^(0A000|42883)$/

/** Two processes at once both find the table missing. Then one gets one of these errors, by how far the other is. */
const createdByAnother = /^(23505|42P07|42710)$/

/**
 * Waits until this process alone may migrate. The lock is a locked row in an open transaction of `connection`, which
 * nothing else may use, and beside it Prisma's advisory lock, where there is one: YugabyteDB and CockroachDB have none.
 *
 * It asks again and again rather than wait in a statement, because CREATE INDEX CONCURRENTLY of the process that has the
 * lock waits for every running statement. An open transaction between two statements does not hinder it, if it is READ
 * COMMITTED.
 */
export async function takeMigrationLock(
  connection: MigrationConnection,
  { report, pauseMilliseconds = 200 }: LockOptions
): Promise<MigrationLock> {
  const table = tableOf(connection, 'migration_lock')
  await ensureLockRow(connection, table)

  const conditions = [
    ...((await hasAdvisoryLocks(connection)) ? [advisoryLock] : []),
    `SELECT "id" FROM ${table} FOR UPDATE SKIP LOCKED`
  ]
  async function tryOnce(): Promise<boolean> {
    await connection.script('BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = 0')
    for (const condition of conditions) {
      const { rows } = await connection.query(condition, [])
      if (rows.length > 0) continue
      await connection.script('ROLLBACK')
      return false
    }
    return true
  }

  let reportedAt: number | undefined
  while (!(await tryOnce())) {
    const now = performance.now()
    if (reportedAt === undefined || now - reportedAt >= reportMilliseconds) {
      reportedAt = now
      report('Another process is migrating this database: waiting for it.')
    }
    await delay(pauseMilliseconds)
  }
  return {
    stillHeld: async () => void (await connection.query('SELECT 1', [])),
    // A broken connection has released the lock by itself.
    release: () =>
      connection.script('COMMIT').then(
        () => undefined,
        () => undefined
      )
  }
}

async function hasAdvisoryLocks(connection: MigrationConnection): Promise<boolean> {
  try {
    // Outside a transaction: if it is taken, it is free again at once.
    await connection.query(advisoryLock, [])
    return true
  } catch (error) {
    if (lacksAdvisoryLocks.test(stateOf(error))) return false
    throw error
  }
}

async function ensureLockRow(connection: MigrationConnection, table: string): Promise<void> {
  try {
    await connection.script(`CREATE TABLE IF NOT EXISTS ${table} ("id" INTEGER NOT NULL PRIMARY KEY)`)
  } catch (error) {
    if (!createdByAnother.test(stateOf(error))) throw error
  }
  await connection.script(`INSERT INTO ${table} VALUES (1) ON CONFLICT DO NOTHING`)
}

/** The SQLSTATE of an error; '' if it has none. */
function stateOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
