import type { NodeFS } from '@electric-sql/pglite/nodefs'

type Options = Parameters<NodeFS['init']>[1]
type Module = Parameters<NonNullable<Options['preRun']>[number]>[0]

/** What PGlite calls in PostgreSQL for each message, and after it. */
interface Entries {
  _PostgresMainLoopOnce(): void
  _PostgresSendReadyForQueryIfNecessary(): void
  stackRestore(pointer: number): void
}

/** The status of the exception by which PostgreSQL leaves a failed statement, and goes on. */
const failedStatement = 100

/**
 * Makes a PostgreSQL that has ended itself stay ended. PGlite takes every exception for a failed statement
 * and calls PostgreSQL again, also after a PANIC, when its locks are held for ever: the call never
 * returns. From here on such an exception reaches the caller, and so do all calls that follow it.
 */
export function stopAtPanic(module: Module): void {
  const entries = module as unknown as Entries
  const mainLoopOnce = entries._PostgresMainLoopOnce
  entries._PostgresMainLoopOnce = () => {
    try {
      mainLoopOnce()
    } catch (error) {
      if (!isFailedStatement(error)) stop(entries, error)
      throw error
    }
  }
}

function stop(entries: Entries, error: unknown): void {
  const refuse = () => {
    throw error
  }
  entries._PostgresMainLoopOnce = refuse
  entries._PostgresSendReadyForQueryIfNecessary = refuse
  // PGlite drops what the first of these throws, and calls this one next.
  entries.stackRestore = refuse
}

function isFailedStatement(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && error.status === failedStatement
}
