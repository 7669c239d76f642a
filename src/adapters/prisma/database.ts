import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import type { QueueLoad } from '../../ports/metrics.js'
import type { Listen } from '../notices/notices.js'
import { plainLine, workQueue } from '../queue/work-queue.js'
import { unavailableBecause } from './database-errors.js'
import { PrismaClient } from './generated/client.js'
import { timesInMilliseconds } from './millisecond-times.js'
import { type Ask, askDirectly, inSchema } from './statements.js'

/** A PostgreSQL database, embedded or on a server, behind one Prisma client. */
export interface Database {
  readonly kind: 'embedded' | 'server'
  /**
   * Runs one operation of a store. A bounded number of operations wait for their turn, each for a bounded time. Throws
   * `Unavailable` for every fault that keeps the database from serving: no connection, a time-out, read-only, disk
   * full, … Unique violations and other faults of the statement pass through. An operation must not call `run`: it
   * could wait for itself.
   */
  run<T>(operation: Operation<T>): Promise<T>
  /** How many operations may run, and how many may wait. */
  readonly bounds: Bounds
  /** How many operations run and wait now. */
  load(): QueueLoad
  /** From now on, `load` adds `waiting()` to the operations that wait: they wait to share one operation. */
  alsoWaiting(waiting: () => number): void
  /** Listens for notices of the database. Undefined for an embedded database: no other process can change it. */
  readonly listen?: Listen | undefined
  /** Accepts no more operations, waits for those that run, and closes the database. */
  close(): Promise<void>
}

/** What an operation gets: Prisma's client, and `ask` for the statements of `preparedStatement`. */
type Operation<T> = (prisma: PrismaClient, ask: Ask) => Promise<T>

/** How many operations run and wait at once, and for how many seconds one may wait. */
export interface Bounds {
  readonly maxRunning: number
  readonly maxWaiting: number
  readonly waitSeconds: number
}

type StartTransaction = Awaited<ReturnType<SqlDriverAdapterFactory['connect']>>['startTransaction']
export type PrismaTransaction = Awaited<ReturnType<StartTransaction>>

interface DatabaseParts {
  readonly kind: Database['kind']
  readonly adapter: SqlDriverAdapterFactory
  /** The schema of the tables. */
  readonly schema: string
  readonly bounds: Bounds
  /** How long an interactive transaction may last. */
  readonly transactionSeconds: number
  /** Throws `Unavailable` if an operation must not begin now. */
  admit?(): void | Promise<void>
  readonly listen?: Listen
  /** Closes what Prisma works on: the pool or the cluster. */
  close(): Promise<void>
}

/** The database behind a driver adapter that is ready to serve. */
export function databaseOver(parts: DatabaseParts): Database {
  const { kind, adapter, bounds, listen } = parts
  const { maxRunning, maxWaiting, waitSeconds } = bounds
  const queue = workQueue({ name: 'database', line: plainLine(maxRunning, maxWaiting), waitSeconds })
  const inMilliseconds = timesInMilliseconds(adapter)
  const ask = askDirectly(inMilliseconds, parts.schema)
  const prisma = new PrismaClient({
    adapter: inSchema(inMilliseconds, parts.schema),
    errorFormat: 'minimal',
    transactionOptions: { maxWait: bounds.waitSeconds * 1000, timeout: parts.transactionSeconds * 1000 }
  })

  async function close(): Promise<void> {
    await queue.close()
    await prisma.$disconnect()
    await parts.close()
  }

  let closing: Promise<void> | undefined
  const others: (() => number)[] = []
  return {
    kind,
    bounds,
    listen,
    run: (operation) =>
      queue.run(async () => {
        try {
          const admitted = parts.admit?.()
          if (admitted !== undefined) await admitted
          return await operation(prisma, ask)
        } catch (error) {
          throw unavailableBecause(error) ?? error
        }
      }),
    load() {
      const { running, waiting } = queue.load()
      return { running, waiting: others.reduce((sum, count) => sum + count(), waiting) }
    },
    alsoWaiting: (count) => void others.push(count),
    close: () => (closing ??= close())
  }
}

/** A template tag that runs its SQL as one operation, and returns the rows. */
export function query<Row>(database: Database) {
  return (sql: TemplateStringsArray, ...values: unknown[]): Promise<Row[]> =>
    database.run((prisma) => prisma.$queryRaw<Row[]>(sql, ...values))
}

/** A template tag that runs its SQL as one operation, and returns how many rows it changed. */
export function execute(database: Database) {
  return (sql: TemplateStringsArray, ...values: unknown[]): Promise<number> =>
    database.run((prisma) => prisma.$executeRaw(sql, ...values))
}

/** `factory` with another way to start a transaction. `replace` receives its own. */
export function replaceTransactions(
  factory: SqlDriverAdapterFactory,
  replace: (start: StartTransaction) => StartTransaction
): SqlDriverAdapterFactory {
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    async connect() {
      const adapter = await factory.connect()
      adapter.startTransaction = replace(adapter.startTransaction.bind(adapter))
      return adapter
    }
  }
}
