import pg from 'pg'
import { readingZones } from './zoned-times.js'

/** pg's pool for Prisma's adapter. */
export function connectionPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config)
  pool.on('connect', (client) => {
    const query: (...query: unknown[]) => unknown = client.query.bind(client)
    Object.assign(client, {
      query: (config: pg.QueryConfig, ...more: unknown[]) => query(readingZones(config), ...more)
    })
  })
  pool.on('release', (_error, client) => endUnfinished(client))
  return pool
}

/** Ends a connection that comes back in mid-transaction: a statement timed out here and still runs on the server. */
function endUnfinished(client: pg.PoolClient): void {
  if (client instanceof pg.Client && client.getTransactionStatus() !== 'I') void client.end()
}
