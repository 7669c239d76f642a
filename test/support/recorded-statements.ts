import { AsyncLocalStorage } from 'node:async_hooks'
import type { Database } from '../../src/adapters/prisma/database.js'
import { Prisma } from '../../src/adapters/prisma/generated/client.js'

/** A database that records the statements of our code. */
export interface RecordedDatabase extends Database {
  /**
   * The result of `work`, and its statements in order. A statement is the list of its accesses to tables, such as
   * `INSERT INTO mail`. Statements of background work are left out.
   */
  statementsOf<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly statements: readonly string[] }>
  /**
   * How many statements `work` asks of the database, and how many round trips they take with those of BEGIN and COMMIT.
   * Work that other requests or timers began does not count.
   */
  countsOf(work: () => Promise<unknown>): Promise<{ readonly statements: number; readonly roundTrips: number }>
}

/** `database`, with its statements recorded. */
export function recordedDatabase(database: Database): RecordedDatabase {
  let statements: string[] = []
  const counting = new AsyncLocalStorage<{ statements: number; transactions: number }>()
  const count = (what: 'statements' | 'transactions') => {
    const counted = counting.getStore()
    if (counted !== undefined) counted[what] += 1
  }

  function note(sql: string): void {
    statements.push(kindOf(sql))
    count('statements')
  }

  function recording<Client extends object>(client: Client): Client {
    return new Proxy(client, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        if (name === '$queryRaw' || name === '$executeRaw') {
          return (...[text, ...values]: Parameters<typeof Prisma.sql>) => {
            note(Prisma.sql(text, ...values).sql)
            return member.call(target, text, ...values)
          }
        }
        if (name === '$transaction') {
          return (work: unknown) => {
            count('transactions')
            return member.call(target, typeof work === 'function' ? (inner: Client) => work(recording(inner)) : work)
          }
        }
        return member
      }
    })
  }

  return {
    ...database,
    run: (operation) =>
      database.run((prisma, ask) =>
        operation(recording(prisma), (text, values) => {
          note(text)
          return ask(text, values)
        })
      ),
    async countsOf(work) {
      const counted = { statements: 0, transactions: 0 }
      await counting.run(counted, work)
      return { statements: counted.statements, roundTrips: counted.statements + 2 * counted.transactions }
    },
    async statementsOf(work) {
      statements = []
      const result = await work()
      return { result, statements: statements.filter((kind) => !inBackground.test(kind)) }
    }
  }
}

/** Statements of the mail sender, the purge, the feed and the clock, which run at the same time. */
const inBackground = new RegExp(
  [
    '^$',
    '^(FROM|UPDATE|DELETE FROM) (mail|lease|session|revocation|signing_key|everybody_revoked)\\b',
    '^(INSERT INTO lease|DELETE FROM (event|guess_run|registration|readiness_probe|one_time_link|user))\\b',
    '^(INSERT INTO registration, FROM user|FROM user, FROM registration)$'
  ].join('|')
)

/** The accesses of a statement to tables, without its conditions and values. */
function kindOf(sql: string): string {
  return [...sql.matchAll(/\b(INSERT INTO|UPDATE|DELETE FROM|FROM|JOIN)\s+"\{schema\}"\."(\w+)"/g)]
    .map(([, access, table]) => `${access} ${table}`)
    .join(', ')
}
