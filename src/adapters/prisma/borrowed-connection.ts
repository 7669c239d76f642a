import type pg from 'pg'
import { Unavailable } from '../../ports/errors.js'
import { readingZones } from './zoned-times.js'

/** The owner of a connection that is borrowed. */
export interface Lender {
  /** How long the server may take to answer a statement. */
  readonly answerSeconds: number
  /** The borrower has given up, and the server has not answered yet. */
  onGivenUp(): void
  /** The borrower has released the connection, and the server has answered. */
  onReturned(canBeReused: boolean): void
}

/** A borrowed connection, with the methods that Prisma's adapter calls. */
export function borrowedConnection(client: pg.PoolClient, { answerSeconds, onGivenUp, onReturned }: Lender) {
  /** Resolves when the server has answered the last statement. Never rejects. */
  let answered: Promise<void> | undefined
  let givenUp: Unavailable | undefined
  let isReplicated = true

  // PostgreSQL sends this warning, and then success, if a person stops the wait of a commit for its synchronous standby.
  const onNotice = ({ routine }: { readonly routine?: string | undefined }) => {
    if (routine === 'SyncRepWaitForLSN') isReplicated = false
  }
  // The statement that a lost connection breaks reports it. Without a listener, an `error` event would crash the process.
  const onError = () => undefined
  client.on('notice', onNotice).on('error', onError)

  function inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(() => {
        givenUp = new Unavailable(`The database did not answer within ${answerSeconds} s.`)
        onGivenUp()
        reject(givenUp)
      }, answerSeconds * 1000)
      answered = answer.then(resolve, reject).finally(() => {
        clearTimeout(timeout)
        answered = undefined
      })
    })
  }

  function giveBack(): void {
    client.off('notice', onNotice).off('error', onError)
    onReturned(client.getTransactionStatus() === 'I')
  }

  return {
    on: client.on.bind(client),
    removeListener: client.removeListener.bind(client),

    /**
     * Throws `Unavailable` if the server does not answer in time, and if a commit is not on the synchronous standby.
     * Whether the statement has been executed is then unknown. After a missing answer, it refuses all further statements.
     */
    async query(query: pg.QueryConfig): Promise<pg.QueryResult<Record<string, unknown>>> {
      if (givenUp !== undefined) throw givenUp
      const result = await inTime(client.query(readingZones(atReadCommitted(query))))
      if (!isReplicated) throw new Unavailable('The commit is not on the synchronous standby.')
      return result
    },

    /** Gives the connection back, or lets the server's answer do it. */
    release(): void {
      if (answered === undefined) giveBack()
      else void answered.then(giveBack)
    }
  }
}

/**
 * A statement must see what the transaction that it waited for has committed, as a logout must see the login in flight.
 * So the isolation does not depend on the default of the role or the database.
 */
function atReadCommitted(query: pg.QueryConfig): pg.QueryConfig {
  return query.text === 'BEGIN' ? { ...query, text: 'BEGIN ISOLATION LEVEL READ COMMITTED' } : query
}
