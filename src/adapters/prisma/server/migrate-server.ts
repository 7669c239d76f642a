import pg from 'pg'
import { CannotStart } from '../../../ports/errors.js'
import { unavailableBecause } from '../database-errors.js'
import type { MigrationConnection } from '../migrations/history.js'
import { type MigrateOptions, migrate, requireMigrated } from '../migrations/migrate.js'
import { readMigrations } from '../migrations/migration-files.js'
import { takeMigrationLock } from '../migrations/migration-lock.js'
import { connectionFault, startFault } from './connection-fault.js'
import type { DatabaseConnection } from './database-url.js'
import { ensureSchema, ownSchema } from './own-schema.js'

/**
 * Applies new migrations to the schema of a server, on connections of their own, and creates the schema if it does not
 * exist. Resolves to the name of the schema. Throws `CannotStart` if the server cannot be used, `Unavailable` if it is lost
 * on the way, and as `migrate` does.
 */
export function migrateServer(server: DatabaseConnection, options: Omit<MigrateOptions, 'lock'> = {}): Promise<string> {
  const { report = () => undefined } = options
  return connected(server, async (client) => {
    const migrations = await readMigrations()
    const schema = server.schema ?? (await ownSchema(client, migrations))
    await ensureSchema(client, schema, server)
    // The lock is an open transaction, so it has a connection of its own; opened only if there is something to migrate.
    let locking: pg.Client | undefined
    try {
      await migrate(migrationConnection(client, schema), migrations, {
        ...options,
        async lock() {
          locking = await connect(server)
          return takeMigrationLock(migrationConnection(locking, schema), { report })
        }
      })
    } finally {
      await locking?.end()
    }
    return schema
  })
}

/**
 * Resolves to the name of the schema. Throws `CannotStart` if the server cannot be used or the schema lacks a migration
 * of this version. Changes nothing.
 */
export function requireMigratedServer(server: DatabaseConnection): Promise<string> {
  return connected(server, async (client) => {
    const migrations = await readMigrations()
    const schema = server.schema ?? (await ownSchema(client, migrations))
    await requireMigrated(migrationConnection(client, schema), migrations)
    return schema
  })
}

/** Runs `work` on a connection of its own. Throws `CannotStart` if the server cannot be used, and `Unavailable` if it is lost. */
export async function connected<T>(server: DatabaseConnection, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(server)
  try {
    return await work(client)
  } catch (error) {
    // `CannotStart` already says what to do.
    if (error instanceof CannotStart) throw error
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
