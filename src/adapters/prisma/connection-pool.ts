import pg from 'pg'
import { Unavailable } from '../../ports/errors.js'
import { BorrowedConnection } from './borrowed-connection.js'
import { heldConnections } from './held-connections.js'
import { type StatementNames, statementNames } from './prepared-statements.js'

export interface ConnectionPool {
  /** For Prisma's adapter. */
  readonly pool: pg.Pool
  /**
   * Prepares statements that begin with `prepared` from now on, if connections lead to the server itself. Behind a
   * connection pooler, the next statement may run on another server connection, which does not know the name. Throws
   * `Unavailable` if the server does not answer in time.
   */
  prepareIfDirect(): Promise<void>
  /** Whether the server has not answered on any connection, so that a statement could only wait. */
  isBlocked(): boolean
  /** Closes at once the connections that wait for an answer which nobody wants, and the others when they are returned. */
  close(): Promise<void>
}

/**
 * pg's pool, except that a connection counts until the server has let go of it. pg closes a connection when it gives up
 * a statement, and opens another. But the server keeps the old one for as long as it works on the statement, and a commit
 * that waits for a lost standby has no end. The server may take `answerSeconds` for a statement. `onUnprepared` is called
 * once if statements are prepared no more.
 */
export function connectionPool(
  config: pg.PoolConfig & { readonly max: number },
  answerSeconds: number,
  onUnprepared: () => void = () => undefined
): ConnectionPool {
  const pool = new pg.Pool(config)
  const { connect } = pool
  // The pool has removed the idle connection that broke. Without a listener, an `error` event would crash the process.
  pool.on('error', () => undefined)
  const held = heldConnections(config)
  let names: StatementNames | undefined

  const connected = () =>
    new Promise<pg.PoolClient>((resolve, reject) =>
      connect.call(pool, (error, client) => (client === undefined ? reject(error) : resolve(client)))
    )

  const lender = {
    answerSeconds,
    onGivenUp: held.add,
    onReturned(client: pg.PoolClient, canBeReused: boolean) {
      held.delete(client)
      client.release(!canBeReused)
    }
  }
  const borrow = async () => new BorrowedConnection(await connected(), lender)

  /** For a transaction. */
  class TransactionConnection extends BorrowedConnection {
    override query(query: pg.QueryConfig) {
      return queryByName(
        query,
        (named) => super.query(named),
        () => {
          // It has ended the transaction, so its client must begin again.
          throw new Unavailable('The server has refused the name of a prepared statement in a transaction.')
        }
      )
    }
  }

  /** Runs a statement under its name, if it has one, and `whenRefused` if the server refuses the name. */
  async function queryByName<Result>(
    query: pg.QueryConfig,
    run: (query: pg.QueryConfig) => Promise<Result>,
    whenRefused: () => Promise<Result>
  ): Promise<Result> {
    const name = names?.nameOf(query.text)
    if (name === undefined) return await run(query)
    try {
      return await run({ ...query, name })
    } catch (error) {
      if (!names?.isRefused(query.text, name, error)) throw error
      return await whenRefused()
    }
  }

  async function query(query: pg.QueryConfig): Promise<unknown> {
    const borrowed = await borrow()
    const run = (named: pg.QueryConfig) => borrowed.query(named)
    try {
      return await queryByName(query, run, () => run(query))
    } finally {
      borrowed.release()
    }
  }

  /** A pooler tells its clients a process of its own, to which they send the request to cancel a statement. */
  async function prepareIfDirect(): Promise<void> {
    const client = await connected()
    const borrowed = new BorrowedConnection(client, lender)
    try {
      const { rows } = await borrowed.query({ text: 'SELECT pg_backend_pid() AS pid' })
      if ('processID' in client && client.processID === rows[0]?.pid) names = statementNames(onUnprepared)
    } finally {
      borrowed.release()
    }
  }

  return {
    pool: Object.assign(pool, { connect: async () => new TransactionConnection(await connected(), lender), query }),
    prepareIfDirect,
    isBlocked: () => held.size >= config.max,
    close() {
      held.closeAll()
      return pool.end()
    }
  }
}
