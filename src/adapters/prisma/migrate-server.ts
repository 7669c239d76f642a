import pg from 'pg'
import { isUniqueViolation, unavailableBecause } from './database-errors.js'
import type { MigrationConnection } from './migrations/history.js'
import { type MigrateOptions, migrate, requireMigrated } from './migrations/migrate.js'
import { readMigrations } from './migrations/migration-files.js'
import { takeMigrationLock } from './migrations/migration-lock.js'

/**
 * Applies new migrations to `schema` of a server, on connections of their own, and creates the schema if it does not
 * exist. Throws `Unavailable` if the server cannot be reached, and as `migrate` does.
 */
export function migrateServer(
  connection: pg.ClientConfig,
  schema: string,
  options: Omit<MigrateOptions, 'lock'> = {}
): Promise<void> {
  const { report = () => undefined } = options
  return connected(connection, schema, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])
    if (rowCount === 0) await createSchema(client, schema)
    // The lock is an open transaction, so it has a connection of its own; opened only if there is something to migrate.
    let locking: pg.Client | undefined
    try {
      await migrate(migrationConnection(client, schema), await readMigrations(), {
        ...options,
        async lock() {
          locking = await connect(connection, schema)
          return takeMigrationLock(migrationConnection(locking, schema), { report })
        }
      })
    } finally {
      await locking?.end()
    }
  })
}

/** Throws `CannotStart` if `schema` lacks a migration of this version. Changes nothing. */
export function requireMigratedServer(connection: pg.ClientConfig, schema: string): Promise<void> {
  return connected(connection, schema, async (client) =>
    requireMigrated(migrationConnection(client, schema), await readMigrations())
  )
}

async function connected(
  connection: pg.ClientConfig,
  schema: string,
  work: (client: pg.Client) => Promise<void>
): Promise<void> {
  try {
    const client = await connect(connection, schema)
    try {
      await work(client)
    } finally {
      await client.end()
    }
  } catch (error) {
    throw unavailableBecause(error) ?? error
  }
}

/**
 * The time-outs of the role are for requests, and would end a migration. So set all of them: none for a statement, which
 * may build an index for hours, and ten minutes for a lock, which such a build waits for outside of transactions.
 */
async function connect(connection: pg.ClientConfig, schema: string): Promise<pg.Client> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: 5000, keepAlive: true })
  // The query that a lost connection breaks reports it. Without a listener, an `error` event would crash the process.
  client.on('error', () => undefined)
  await client.connect()
  await client.query(
    `SET search_path = ${pg.escapeIdentifier(schema)};
     SET statement_timeout = 0; SET lock_timeout = '10min'; SET idle_in_transaction_session_timeout = 0`
  )
  return client
}

function migrationConnection(client: pg.Client, schema: string): MigrationConnection {
  return { schema, script: (sql) => client.query(sql), query: (sql, values) => client.query(sql, [...values]) }
}

async function createSchema(client: pg.Client, schema: string): Promise<void> {
  try {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(schema)}`)
  } catch (error) {
    // Two processes at once both find the schema missing. Then one of them gets this error, although it exists now.
    if (!isUniqueViolation(error)) throw error
  }
}
