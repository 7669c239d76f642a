import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { postgresListen } from '../notices/postgres-listen.js'
import { type Bounds, type Database, databaseOver } from './database.js'
import { isUniqueViolation, unavailableBecause } from './database-errors.js'
import { migrate, readMigrations } from './migrations.js'
import { withStrictCommit } from './strict-commit.js'

export interface ServerOptions extends Partial<Omit<Bounds, 'maxRunning'>> {
  /** `postgresql://…`, with `?schema=` if the tables are not in `public`. */
  readonly url: string
  /** Connections of this process, and how many operations run at once. */
  readonly poolSize?: number
  /** The server aborts a statement after this time; it waits half of it for a lock. */
  readonly statementTimeoutSeconds?: number
}

/**
 * Connects to a PostgreSQL server and applies new migrations. Throws `Unavailable` if the server cannot be reached, and
 * `Error` if this version cannot work with the server's schema.
 */
export async function openServerDatabase(options: ServerOptions): Promise<Database> {
  const { poolSize = 10, maxWaiting = 500, waitSeconds = 2, statementTimeoutSeconds = 4 } = options
  const { schema, connection } = connectionTo(options.url)
  await migrateServer(connection, schema)

  const pool = new pg.Pool({
    ...connection,
    max: poolSize,
    connectionTimeoutMillis: waitSeconds * 1000,
    idleTimeoutMillis: 30_000,
    // After a failover, connections to the old primary are gone within this time.
    maxLifetimeSeconds: 300,
    keepAlive: true,
    statement_timeout: statementTimeoutSeconds * 1000,
    lock_timeout: statementTimeoutSeconds * 500,
    // Frees rows that a process locked before it died, or lost its connection, in mid-transaction.
    idle_in_transaction_session_timeout: (statementTimeoutSeconds + 2) * 1000,
    // Longer than `statement_timeout`: it fires only if the server or the network is silent.
    query_timeout: (statementTimeoutSeconds + 0.5) * 1000
  })
  pool.on('release', (_error, client) => endUnfinished(client))

  return databaseOver({
    kind: 'server',
    adapter: withStrictCommit(new PrismaPg(pool, { schema })),
    bounds: { maxRunning: poolSize, maxWaiting, waitSeconds },
    transactionSeconds: statementTimeoutSeconds + 1,
    listen: postgresListen(connection, schema),
    close: () => pool.end()
  })
}

/** Ends a connection that comes back in mid-transaction: a statement timed out here and still runs on the server. */
function endUnfinished(client: pg.PoolClient): void {
  if (client instanceof pg.Client && client.getTransactionStatus() !== 'I') void client.end()
}

/** The settings of every connection, without Prisma's `schema` parameter, which pg does not know. */
function connectionTo(databaseUrl: string): { readonly schema: string; readonly connection: pg.ClientConfig } {
  const url = new URL(databaseUrl)
  const schema = url.searchParams.get('schema') ?? 'public'
  const givenOptions = url.searchParams.get('options') ?? ''
  url.searchParams.delete('schema')
  url.searchParams.delete('options')
  return {
    schema,
    connection: {
      connectionString: url.href,
      application_name: 'latchkey',
      // Prisma reads and writes times without their offset, which is right only if the session's time zone is UTC.
      options: `${givenOptions} -c TimeZone=UTC -c search_path=${pg.escapeIdentifier(schema)}`.trim()
    }
  }
}

async function migrateServer(connection: pg.ClientConfig, schema: string): Promise<void> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: 5000, keepAlive: true })
  // The query that a lost connection breaks reports it. Without a listener, an `error` event would crash the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    // Long enough to wait for another instance that migrates.
    await client.query(`SET lock_timeout = '60s'`)
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
