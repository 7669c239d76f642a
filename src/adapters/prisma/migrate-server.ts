import pg from 'pg'
import { isUniqueViolation, unavailableBecause } from './database-errors.js'
import { migrate } from './migrations/migrate.js'
import { readMigrations } from './migrations/migration-files.js'

/**
 * Applies new migrations to `schema` of a server, on a connection of its own, and creates the schema if it does not
 * exist. Throws `Unavailable` if the server cannot be reached, and as `migrate` does.
 */
export async function migrateServer(connection: pg.ClientConfig, schema: string): Promise<void> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: 5000, keepAlive: true })
  // The query that a lost connection breaks reports it. Without a listener, an `error` event would crash the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    // Long enough to wait for another instance that migrates.
    await client.query(`SET lock_timeout = '60s'`)
    // Migrations name their tables without a schema.
    await client.query(`SET search_path = ${pg.escapeIdentifier(schema)}`)
    const { rowCount } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])
    if (rowCount === 0) await createSchema(client, schema)
    await migrate(
      { script: (sql) => client.query(sql), query: (sql, values) => client.query(sql, [...values]) },
      await readMigrations()
    )
  } catch (error) {
    throw unavailableBecause(error) ?? error
  } finally {
    await client.end()
  }
}

async function createSchema(client: pg.Client, schema: string): Promise<void> {
  try {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(schema)}`)
  } catch (error) {
    // Two processes at once both find the schema missing. Then one of them gets this error, although it exists now.
    if (!isUniqueViolation(error)) throw error
  }
}
