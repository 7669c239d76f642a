import pg from 'pg'
import { borrowedConnection } from './borrowed-connection.js'
import { heldConnections } from './held-connections.js'

export interface ConnectionPool {
  /** For Prisma's adapter. */
  readonly pool: pg.Pool
  /** Whether the server has not answered on any connection, so that a statement could only wait. */
  isBlocked(): boolean
  /** Closes at once the connections that wait for an answer which nobody wants, and the others when they are returned. */
  close(): Promise<void>
}

/**
 * pg's pool, except that a connection counts until the server has let go of it. pg closes a connection when it gives up
 * a statement, and opens another. But the server keeps the old one for as long as it works on the statement, and a commit
 * that waits for a lost standby has no end. The server may take `answerSeconds` for a statement.
 */
export function connectionPool(
  config: pg.PoolConfig & { readonly max: number },
  answerSeconds: number
): ConnectionPool {
  const pool = new pg.Pool(config)
  const { connect } = pool
  // The pool has removed the idle connection that broke. Without a listener, an `error` event would crash the process.
  pool.on('error', () => undefined)
  const held = heldConnections(config)

  async function borrow() {
    const client = await new Promise<pg.PoolClient>((resolve, reject) =>
      connect.call(pool, (error, client) => (client === undefined ? reject(error) : resolve(client)))
    )
    return borrowedConnection(client, {
      answerSeconds,
      onGivenUp: () => held.add(client),
      onReturned(canBeReused) {
        held.delete(client)
        client.release(!canBeReused)
      }
    })
  }

  async function query(query: pg.QueryConfig): Promise<unknown> {
    const borrowed = await borrow()
    try {
      return await borrowed.query(query)
    } finally {
      borrowed.release()
    }
  }

  return {
    pool: Object.assign(pool, { connect: borrow, query }),
    isBlocked: () => held.size >= config.max,
    close() {
      held.closeAll()
      return pool.end()
    }
  }
}
