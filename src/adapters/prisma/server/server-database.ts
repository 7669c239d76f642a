import { PrismaPg } from '@prisma/adapter-pg'
import { Unavailable } from '../../../ports/errors.js'
import { postgresListen } from '../../notices/postgres-listen.js'
import { connectionPool } from '../connection-pool.js'
import { type Bounds, type Database, databaseOver } from '../database.js'
import type { OpeningOptions } from '../migrations/migrate.js'
import { withStrictCommit } from '../strict-commit.js'
import { sendingZones } from '../zoned-times.js'
import { listenToTriggers } from './announced-tables.js'
import { connectionFault } from './connection-fault.js'
import { connectionTo, directConnectionTo } from './database-url.js'
import { connected, migrateServer, requireMigratedServer } from './migrate-server.js'
import { requireSameDatabase, requireUsualSession, type ServerQuery } from './server-checks.js'

export interface ServerOptions extends Partial<Omit<Bounds, 'maxRunning'>>, OpeningOptions {
  /** `postgresql://…`, with `?schema=` if `ownSchema` must not choose the schema. */
  readonly url: string
  /** The address of the server itself, if `url` leads to a connection pooler. */
  readonly directUrl?: string | undefined
  /** Connections of this process, and how many operations run at once. */
  readonly poolSize?: number
  /** The server aborts a statement after this time; it waits half of it for a lock. Behind a pooler, the role says so. */
  readonly statementTimeoutSeconds?: number
  /** Called once when notices do not arrive on the connection that listens, and again only after one has arrived. */
  onDeaf?(): void
  /** Called once when statements are prepared no more, because the server has refused the name of one. */
  onUnprepared?(): void
}

/** Longer than the server's own time-out: our own ends a wait only if the server or the network is silent. */
const graceSeconds = 0.5

/**
 * Connects to a PostgreSQL server and applies new migrations. Throws `CannotStart` if the server cannot be used, or if a
 * migration is missing that it may not apply, and `Error` if this version cannot work with the server's schema.
 */
export async function openServerDatabase(options: ServerOptions): Promise<Database> {
  const { poolSize = 10, maxWaiting = 500, waitSeconds = 2, statementTimeoutSeconds = 4 } = options
  const { url, directUrl = url, onDeaf = () => undefined } = options
  const server = connectionTo(url)
  const { connection } = server
  const direct = directUrl === url ? server : directConnectionTo(directUrl, server)
  const settings = {
    ...connection,
    max: poolSize,
    connectionTimeoutMillis: waitSeconds * 1000,
    idleTimeoutMillis: 30_000,
    // After a failover, connections to the old primary are gone within this time.
    maxLifetimeSeconds: 300,
    keepAlive: true,
    // A dead network is then noticed after 20 s at the latest, also while the server works on a statement.
    keepAliveInitialDelayMillis: 10_000
  }
  // Poolers refuse connections with such settings. They are the role's settings then (docs/connections.md).
  const timeouts = {
    statement_timeout: statementTimeoutSeconds * 1000,
    lock_timeout: statementTimeoutSeconds * 500,
    // Frees rows that a process locked before it died, or lost its connection, in mid-transaction.
    idle_in_transaction_session_timeout: (statementTimeoutSeconds + 2) * 1000
  }
  const { pool, prepareIfDirect, isBlocked, close } = connectionPool(
    directUrl === url ? { ...settings, ...timeouts } : settings,
    statementTimeoutSeconds + graceSeconds,
    options.onUnprepared
  )
  const query: ServerQuery = (text) => pool.query(text)
  let schema: string
  try {
    await requireUsualSession(query, server)
      .then(() => (direct === server ? prepareIfDirect() : undefined))
      .catch((error) => {
        throw connectionFault(error, server) ?? error
      })
    if (direct !== server) await connected(direct, (client) => requireSameDatabase(query, (text) => client.query(text)))
    schema = await (options.migrate === false ? requireMigratedServer(direct) : migrateServer(direct, options))
  } catch (error) {
    await close()
    throw error
  }

  const listen = postgresListen({
    connection: direct.connection,
    schema,
    notify: (channel) => pool.query({ text: "SELECT pg_notify($1, '')", values: [channel] }),
    onDeaf
  })

  return databaseOver({
    kind: 'server',
    adapter: sendingZones(withStrictCommit(new PrismaPg(pool, { schema }))),
    schema,
    bounds: { maxRunning: poolSize, maxWaiting, waitSeconds },
    transactionSeconds: statementTimeoutSeconds + 1,
    admit() {
      if (isBlocked()) throw new Unavailable('The database does not answer on any connection.')
    },
    listen: listenToTriggers(listen, schema, (query) => pool.query(query)),
    close
  })
}
