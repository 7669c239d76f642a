import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { listening } from '../notices/postgres-listen.js'
import type { Bounds } from './bounded.js'
import { type Database, databaseOver } from './database.js'
import { isUniqueViolation, unavailableBecause } from './database-errors.js'
import { migrate, readMigrations } from './migrations.js'
import { withStrictCommit } from './strict-commit.js'

export interface ServerOptions {
  /** `postgresql://…`, with `?schema=` where the tables are not in `public`. */
  readonly url: string
  /** Connections of this process, and how many operations run at once. */
  readonly poolSize?: number
  readonly waiting?: Bounds['waiting']
  readonly waitSeconds?: Bounds['waitSeconds']
  /** After this the server gives a statement up; for a lock it waits half of it. */
  readonly statementTimeoutSeconds?: number
}

/**
 * Connects to a PostgreSQL server and brings its schema up to date. Throws `Unavailable` where the
 * server cannot be reached, and `Error` where its schema is none that this version can work on.
 */
export async function openServerDatabase(options: ServerOptions): Promise<Database> {
  const { poolSize = 10, waiting = 500, waitSeconds = 2, statementTimeoutSeconds = 4 } = options
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
    // Frees the rows that a process which died, or was cut off, in mid-transaction had locked.
    idle_in_transaction_session_timeout: (statementTimeoutSeconds + 2) * 1000,
    // The server, or the way to it, is silent: the server would have given the statement up by itself.
    query_timeout: (statementTimeoutSeconds + 0.5) * 1000
  })
  pool.on('release', (_error, client) => endUnfinished(client))

  return databaseOver({
    kind: 'server',
    adapter: withStrictCommit(new PrismaPg(pool, { schema })),
    bounds: { inFlight: poolSize, waiting, waitSeconds },
    transactionSeconds: statementTimeoutSeconds + 1,
    listen: listening(connection, schema),
    close: () => pool.end()
  })
}

/** A connection that comes back in mid-transaction (a statement timed out here while it went on there) must not serve again. */
function endUnfinished(client: pg.PoolClient): void {
  if (client instanceof pg.Client && client.getTransactionStatus() !== 'I') void client.end()
}

/** What every connection has in common: pg's settings, without Prisma's `schema` parameter, which pg does not know. */
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
      // Prisma reads and writes times without their offset: they are right in a session of UTC only.
      options: `${givenOptions} -c TimeZone=UTC -c search_path=${quoteIdentifier(schema)}`.trim()
    }
  }
}

async function migrateServer(connection: pg.ClientConfig, schema: string): Promise<void> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: 5000, keepAlive: true })
  // What a lost connection breaks is told by the query it breaks; unheard, the event would end the process.
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
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(schema)}`)
  } catch (error) {
    // Two at once both find it missing, and then one of them is told so.
    if (!isUniqueViolation(error)) throw error
  }
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
