import { PrismaPg } from '@prisma/adapter-pg'
import { postgresListen } from '../notices/postgres-listen.js'
import { connectionPool } from './connection-pool.js'
import { type Bounds, type Database, databaseOver } from './database.js'
import { connectionTo } from './database-url.js'
import { migrateServer } from './migrate-server.js'
import { withStrictCommit } from './strict-commit.js'
import { sendingZones } from './zoned-times.js'

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

  const pool = connectionPool({
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

  return databaseOver({
    kind: 'server',
    adapter: sendingZones(withStrictCommit(new PrismaPg(pool, { schema }))),
    schema,
    bounds: { maxRunning: poolSize, maxWaiting, waitSeconds },
    transactionSeconds: statementTimeoutSeconds + 1,
    listen: postgresListen(connection, schema),
    close: () => pool.end()
  })
}
