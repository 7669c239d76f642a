import pg from 'pg'
import { isUniqueViolation, unavailableBecause } from '../database-errors.js'
import type { MigrationConnection } from '../migrations/history.js'
import { type MigrateOptions, migrate, requireMigrated } from '../migrations/migrate.js'
import { readMigrations } from '../migrations/migration-files.js'
import { takeMigrationLock } from '../migrations/migration-lock.js'
import { connectionFault, startFault } from './connection-fault.js'
import type { DatabaseConnection } from './database-url.js'

/**
 * Applies new migrations to the schema of a server, on connections of their own, and creates the schema if it does not
 * exist. Throws `CannotStart` if the server cannot be used, `Unavailable` if it is lost on the way, and as `migrate` does.
 */
export function migrateServer(server: DatabaseConnection, options: Omit<MigrateOptions, 'lock'> = {}): Promise<void> {
  const { report = () => undefined } = options
  const { schema } = server
  return connected(server, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])
    if (rowCount === 0) await createSchema(client, schema)
    // The lock is an open transaction, so it has a connection of its own; opened only if there is something to migrate.
    let locking: pg.Client | undefined
    try {
      await migrate(migrationConnection(client, schema), await readMigrations(), {
        ...options,
        async lock() {
          locking = await connect(server)
          return takeMigrationLock(migrationConnection(locking, schema), { report })
        }
      })
    } finally {
      await locking?.end()
    }
  })
}

/** Throws `CannotStart` if the server cannot be used or the schema lacks a migration of this version. Changes nothing. */
export function requireMigratedServer(server: DatabaseConnection): Promise<void> {
  return connected(server, async (client) =>
    requireMigrated(migrationConnection(client, server.schema), await readMigrations())
  )
}

/** Runs `work` on a connection of its own. Throws `CannotStart` if the server cannot be used, and `Unavailable` if it is lost. */
export async function connected(
  server: Omit<DatabaseConnection, 'schema'>,
  work: (client: pg.Client) => Promise<void>
): Promise<void> {
  const client = await connect(server)
  try {
    await work(client)
  } catch (error) {
    throw startFault(error, server) ?? unavailableBecause(error) ?? error
  } finally {
    await client.end()
  }
}

async function connect(server: Omit<DatabaseConnection, 'schema'>): Promise<pg.Client> {
  const client = new pg.Client({ ...server.connection, connectionTimeoutMillis: 5000, keepAlive: true })
  // The query that a lost connection breaks reports it. Without a listener, an `error` event would crash the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    // A pooler accepts a connection before it has one to the server.
    await client.query('SELECT 1')
    return client
  } catch (error) {
    await client.end().catch(() => undefined)
    throw connectionFault(error, server) ?? error
  }
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
