import type { Database } from '../../src/adapters/prisma/database.js'

interface Counted {
  readonly statements: number
  /** With those of BEGIN and COMMIT. */
  readonly roundTrips: number
}

/** A database that counts what our code asks of it. */
export interface CountedDatabase extends Database {
  /** What `work` asked of the database. Background work counts too, so choose settings that start none. */
  countsOf(work: () => Promise<unknown>): Promise<Counted>
}

/** `database`, with its statements counted. */
export function countedDatabase(database: Database): CountedDatabase {
  let statements = 0
  let transactions = 0

  function counting<Client extends object>(client: Client): Client {
    return new Proxy(client, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        if (name === '$queryRaw' || name === '$executeRaw') {
          return (...args: readonly unknown[]) => {
            statements += 1
            return member.apply(target, args)
          }
        }
        if (name === '$transaction') {
          return (work: unknown) => {
            transactions += 1
            return member.call(target, typeof work === 'function' ? (inner: Client) => work(counting(inner)) : work)
          }
        }
        return member
      }
    })
  }

  return {
    ...database,
    run: (operation) => database.run((prisma) => operation(counting(prisma))),
    async countsOf(work) {
      const before = { statements, transactions }
      await work()
      const more = statements - before.statements
      return { statements: more, roundTrips: more + 2 * (transactions - before.transactions) }
    }
  }
}
