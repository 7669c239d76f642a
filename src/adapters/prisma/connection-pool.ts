import pg from 'pg'
import { Unavailable } from '../../ports/errors.js'
import { borrowedConnection } from './borrowed-connection.js'
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

interface Borrowed<Result> {
  query(query: pg.QueryConfig): Promise<Result>
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

  /** For a transaction. */
  async function borrow() {
    const borrowed = lend(await connected())
    return { ...borrowed, query: (query: pg.QueryConfig) => queryInTransaction(borrowed, query) }
  }

  function lend(client: pg.PoolClient) {
    return borrowedConnection(client, {
      answerSeconds,
      onGivenUp: () => held.add(client),
      onReturned(canBeReused) {
        held.delete(client)
        client.release(!canBeReused)
      }
    })
  }

  /** Runs a statement under its name, if it has one, and `whenRefused` if the server refuses the name. */
  async function queryByName<Result>(
    borrowed: Borrowed<Result>,
    query: pg.QueryConfig,
    whenRefused: () => Promise<Result>
  ): Promise<Result> {
    const name = names?.nameOf(query.text)
    try {
      return await borrowed.query(name === undefined ? query : { ...query, name })
    } catch (error) {
      if (name === undefined || !names?.isRefused(query.text, name, error)) throw error
      return await whenRefused()
    }
  }

  /** A refused name has ended the transaction, so its client must begin again. */
  const queryInTransaction = <Result>(borrowed: Borrowed<Result>, query: pg.QueryConfig) =>
    queryByName(borrowed, query, async () => {
      throw new Unavailable('The server has refused the name of a prepared statement in a transaction.')
    })

  async function query(query: pg.QueryConfig): Promise<unknown> {
    const borrowed = lend(await connected())
    try {
      return await queryByName(borrowed, query, () => borrowed.query(query))
    } finally {
      borrowed.release()
    }
  }

  /** A pooler tells its clients a process of its own, to which they send the request to cancel a statement. */
  async function prepareIfDirect(): Promise<void> {
    const client = await connected()
    const borrowed = lend(client)
    try {
      const { rows } = await borrowed.query({ text: 'SELECT pg_backend_pid() AS pid' })
      if ('processID' in client && client.processID === rows[0]?.pid) names = statementNames(onUnprepared)
    } finally {
      borrowed.release()
    }
  }

  return {
    pool: Object.assign(pool, { connect: borrow, query }),
    prepareIfDirect,
    isBlocked: () => held.size >= config.max,
    close() {
      held.closeAll()
      return pool.end()
    }
  }
}
