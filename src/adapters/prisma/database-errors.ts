import { Unavailable } from '../../ports/errors.js'

/**
 * What identifies a fault of the database. Prisma shows one fault in many shapes: with its own code (`P1001`), as a
 * driver adapter's error (bare or in `meta`), as PostgreSQL's error (a SQLSTATE in `code`), as a system error of the
 * socket, or as a plain error of the pool that has only its text. `cluesOf` reads them all.
 */
interface Clues {
  /** All codes of the error: Prisma's, a SQLSTATE, a system error's. */
  readonly codes: readonly string[]
  /** The driver adapter's name for the fault. */
  readonly kind: string | undefined
  readonly name: string
  readonly message: string
}

/** Whether a statement or a commit failed because a value that must be unique exists already. */
export function isUniqueViolation(error: unknown): boolean {
  const { codes, kind } = cluesOf(error)
  return kind === 'UniqueConstraintViolation' || codes.includes('23505') || codes.includes('P2002')
}

/** The codes of an error and of its causes: Prisma's, SQLSTATEs and those of the system. */
export function codesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return []
  return [...cluesOf(error).codes, ...codesOf(error.cause)]
}

/** The `Unavailable` for a fault that keeps the database from serving, with `error` as its cause; undefined for any other fault. */
export function unavailableBecause(error: unknown): Unavailable | undefined {
  const clues = cluesOf(error)
  if (clues.codes.some((code) => lastingCodes.test(code))) {
    return new Unavailable('The database accepts no writes now.', 10, { cause: error })
  }
  if (isTemporary(clues)) return new Unavailable('The database cannot serve now.', 1, { cause: error })
  return undefined
}

/** Read-only (a standby, or during a failover) and disk full: a retry within a second rarely helps. */
const lastingCodes = /^(25006|53100)$/

/**
 * SQLSTATEs (PostgreSQL manual, appendix A): no connection, conflicts that were rolled back, out of resources, stopped
 * by an operator or a time-out, I/O errors, no access.
 */
const temporaryStates = /^(08...|25P0[34]|28...|3D000|40001|40P01|53...|55P03|57014|57P0.|58...)$/

/** Prisma's codes: no access, no connection, time-outs, write conflicts. */
const temporaryPrismaCodes = /^(P1000|P1001|P1002|P1003|P1008|P1010|P1011|P1017|P2024|P2028|P2034|P2037)$/

const temporarySystemCodes =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/

const temporaryKinds = new Set([
  'AuthenticationFailed',
  'ConnectionClosed',
  'DatabaseAccessDenied',
  'DatabaseDoesNotExist',
  'DatabaseNotReachable',
  'SocketTimeout',
  'TlsConnectionError',
  'TooManyConnections',
  'TransactionWriteConflict'
])

/** Errors of pg, its pool and PGlite that have no code. */
const temporaryMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Cannot use a pool after calling end|Client (was closed|has encountered a connection error) and is not queryable|PGlite is clos(ed|ing))/

const stoppedNames = /^(RuntimeError|ExitStatus)$/

/** Whether the embedded database has stopped and must be opened again: a PANIC ends its WebAssembly. */
export const hasStopped = (error: unknown) => stoppedNames.test(cluesOf(error).name)

function isTemporary({ codes, kind, name, message }: Clues): boolean {
  if (kind !== undefined && temporaryKinds.has(kind)) return true
  if (stoppedNames.test(name)) return true
  if (codes.length === 0) return temporaryMessages.test(message)
  return codes.some(
    (code) => temporaryPrismaCodes.test(code) || temporarySystemCodes.test(code) || temporaryStates.test(code)
  )
}

function cluesOf(error: unknown): Clues {
  const outer = membersOf(error)
  const adapterError = membersOf(membersOf(outer.meta).driverAdapterError ?? error)
  const cause = adapterError.name === 'DriverAdapterError' ? membersOf(adapterError.cause) : {}
  return {
    codes: [outer.code, cause.originalCode].filter((code) => typeof code === 'string'),
    kind: typeof cause.kind === 'string' ? cause.kind : undefined,
    name: String(outer.name),
    message: String(outer.message)
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}
