import { AsyncLocalStorage } from 'node:async_hooks'
import type { Database } from '../../src/adapters/prisma/database.js'

interface Counted {
  readonly statements: number
  /** With those of BEGIN and COMMIT. */
  readonly roundTrips: number
}

/** A database that counts what our code asks of it. */
export interface CountedDatabase extends Database {
  /** What `work` asked of the database. What timers and other background work ask meanwhile does not count. */
  countsOf(work: () => Promise<unknown>): Promise<Counted>
}

/** `database`, with its statements counted. */
export function countedDatabase(database: Database): CountedDatabase {
  const current = new AsyncLocalStorage<{ statements: number; transactions: number }>()

  function counting<Client extends object>(client: Client): Client {
    return new Proxy(client, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        if (name === '$queryRaw' || name === '$executeRaw') {
          return (...args: readonly unknown[]) => {
            const counts = current.getStore()
            if (counts !== undefined) counts.statements += 1
            return member.apply(target, args)
          }
        }
        if (name === '$transaction') {
          return (work: unknown) => {
            const counts = current.getStore()
            if (counts !== undefined) counts.transactions += 1
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
      const counts = { statements: 0, transactions: 0 }
      await current.run(counts, work)
      return { statements: counts.statements, roundTrips: counts.statements + 2 * counts.transactions }
    }
  }
}
