import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import type { Listen } from '../notices/notices.js'
import { type Bounded, type Bounds, bounded } from './bounded.js'
import { unavailableBecause } from './database-errors.js'
import { PrismaClient } from './generated/client.js'

/** A PostgreSQL, embedded or a server, behind one Prisma client. */
export interface Database {
  readonly kind: 'embedded' | 'server'
  /**
   * Runs one operation of a store. At most a bounded number wait at once, each for a bounded time;
   * whatever keeps the database from serving (no connection, a time-out, read-only, disk full, …)
   * is thrown as `Unavailable`. Unique violations and other faults of the statement pass through.
   * An operation must not call `run` again: it would wait for itself.
   */
  run<T>(operation: (prisma: PrismaClient) => Promise<T>): Promise<T>
  /** How many operations run and wait now. */
  load(): ReturnType<Bounded['load']>
  /** None where this process has the database to itself, and there is nobody to be told of. */
  readonly listen?: Listen | undefined
  /** Takes on nothing more, waits for what is running, and closes. */
  close(): Promise<void>
}

export interface DatabaseParts {
  readonly kind: Database['kind']
  readonly adapter: SqlDriverAdapterFactory
  readonly bounds: Bounds
  /** How long an interactive transaction may last. */
  readonly transactionSeconds: number
  /** Throws `Unavailable` where an operation must not begin now. */
  admit?(): Promise<void>
  readonly listen?: Listen
  /** Closes what lies beneath Prisma. */
  close(): Promise<void>
}

/** The database over a driver adapter that is ready to serve. */
export function databaseOver(parts: DatabaseParts): Database {
  const { kind, adapter, bounds } = parts
  const operations = bounded(bounds)
  const prisma = new PrismaClient({
    adapter,
    errorFormat: 'minimal',
    transactionOptions: { maxWait: bounds.waitSeconds * 1000, timeout: parts.transactionSeconds * 1000 }
  })

  async function close(): Promise<void> {
    await operations.close()
    await prisma.$disconnect()
    await parts.close()
  }

  let closing: Promise<void> | undefined
  return {
    kind,
    listen: parts.listen,
    run: (operation) =>
      operations.run(async () => {
        try {
          await parts.admit?.()
          return await operation(prisma)
        } catch (error) {
          throw unavailableBecause(error) ?? error
        }
      }),
    load: operations.load,
    close: () => (closing ??= close())
  }
}
