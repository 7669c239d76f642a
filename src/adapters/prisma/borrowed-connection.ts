import type pg from 'pg'
import { Unavailable } from '../../ports/errors.js'
import { readingZones } from './zoned-times.js'

/** The owner of a connection that is borrowed. */
export interface Lender {
  /** How long the server may take to answer a statement. */
  readonly answerSeconds: number
  /** The borrower of `client` has given up, and the server has not answered yet. */
  onGivenUp(client: pg.PoolClient): void
  /** The borrower of `client` has released it, and the server has answered. */
  onReturned(client: pg.PoolClient, canBeReused: boolean): void
}

/** A borrowed connection, with the methods that Prisma's adapter calls. */
export class BorrowedConnection {
  readonly #client: pg.PoolClient
  readonly #lender: Lender
  readonly #state: ClientState
  #givenUp: Unavailable | undefined
  #isAnswered = true
  #isReleased = false

  constructor(client: pg.PoolClient, lender: Lender) {
    this.#client = client
    this.#lender = lender
    this.#state = stateOf(client)
    this.#state.isReplicated = true
  }

  on(event: 'error', listener: (error: Error) => void): void {
    this.#client.on(event, listener)
  }

  removeListener(event: 'error', listener: (error: Error) => void): void {
    this.#client.removeListener(event, listener)
  }

  /**
   * Throws `Unavailable` if the server does not answer in time, and if a commit is not on the synchronous standby.
   * Whether the statement has been executed is then unknown. After a missing answer, it refuses all further statements.
   */
  query(query: pg.QueryConfig): Promise<pg.QueryResult<Record<string, unknown>>> {
    return new Promise((resolve, reject) => {
      if (this.#givenUp !== undefined) return reject(this.#givenUp)
      const { answerSeconds } = this.#lender
      const timeout = setTimeout(() => {
        this.#givenUp = new Unavailable(`The database did not answer within ${answerSeconds} s.`)
        this.#lender.onGivenUp(this.#client)
        reject(this.#givenUp)
      }, answerSeconds * 1000)
      this.#isAnswered = false
      void this.#client.query<Record<string, unknown>>(readingZones(atReadCommitted(query)), (error, result) => {
        clearTimeout(timeout)
        this.#isAnswered = true
        if (error) reject(error)
        else if (this.#state.isReplicated) resolve(result)
        else reject(new Unavailable('The commit is not on the synchronous standby.'))
        // Later, because pg reports a failure before it has read the state of the transaction, which comes next.
        if (this.#isReleased) queueMicrotask(() => this.#giveBack())
      })
    })
  }

  /** Gives the connection back, or lets the server's answer do it. */
  release(): void {
    this.#isReleased = true
    if (this.#isAnswered) this.#giveBack()
  }

  #giveBack(): void {
    this.#lender.onReturned(this.#client, this.#client.getTransactionStatus() === 'I')
  }
}

/** What the notices of a connection said since it was borrowed. */
interface ClientState {
  isReplicated: boolean
}

const states = new WeakMap<pg.PoolClient, ClientState>()

/** The state of a connection. Its listeners stay for as long as the connection lives. */
function stateOf(client: pg.PoolClient): ClientState {
  const known = states.get(client)
  if (known !== undefined) return known
  const state = { isReplicated: true }
  states.set(client, state)
  // PostgreSQL sends this warning, and then success, if a person stops the wait of a commit for its synchronous standby.
  client.on('notice', ({ routine }) => {
    if (routine === 'SyncRepWaitForLSN') state.isReplicated = false
  })
  // The statement that a lost connection breaks reports it. Without a listener, an `error` event would crash the process.
  client.on('error', () => undefined)
  return state
}

/**
 * A statement must see what the transaction that it waited for has committed, as a logout must see the login in flight.
 * So the isolation does not depend on the default of the role or the database.
 */
function atReadCommitted(query: pg.QueryConfig): pg.QueryConfig {
  return query.text === 'BEGIN' ? { ...query, text: 'BEGIN ISOLATION LEVEL READ COMMITTED' } : query
}
