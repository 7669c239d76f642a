import { Unavailable } from '../../ports/errors.js'

/**
 * Prisma shows one fault of the database in many shapes: its own codes (`P1001`), a driver adapter's
 * error in `meta` or bare, PostgreSQL's own error (a SQLSTATE in `code`), a system error of the
 * socket, and plain errors of the pool that only their text tells apart. Here they become one.
 */
interface Clues {
  /** Prisma's code, a SQLSTATE or a system error code: all the codes that the error carries. */
  readonly codes: readonly string[]
  /** What the driver adapter made of it. */
  readonly kind: string | undefined
  readonly name: string
  readonly message: string
}

/** Whether a statement or a commit failed for a value that must be unique and is there already. */
export function isUniqueViolation(error: unknown): boolean {
  const { codes, kind } = cluesOf(error)
  return kind === 'UniqueConstraintViolation' || codes.includes('23505') || codes.includes('P2002')
}

/** The `Unavailable` for a fault that keeps the database from serving, with `error` as its cause; undefined for any other. */
export function unavailableBecause(error: unknown): Unavailable | undefined {
  const clues = cluesOf(error)
  if (clues.codes.some((code) => lastingCodes.test(code))) {
    return new Unavailable('The database takes no writes now.', 10, { cause: error })
  }
  if (isPassing(clues)) return new Unavailable('The database cannot serve now.', 1, { cause: error })
  return undefined
}

/** Read-only (a standby, a failover under way) and out of disk: a retry within the second seldom helps. */
const lastingCodes = /^(25006|53100)$/

/** SQLSTATEs (PostgreSQL, appendix A): no connection, conflicts that were rolled back, out of resources, stopped by an operator or a time-out, I/O errors, no access. */
const passingStates = /^(08...|25P0[34]|28...|3D000|40001|40P01|53...|55P03|57014|57P0.|58...)$/

/** Prisma's codes for no access, no connection, time-outs and write conflicts. */
const passingPrismaCodes = /^(P1000|P1001|P1002|P1003|P1008|P1010|P1011|P1017|P2024|P2028|P2034|P2037)$/

const passingSystemCodes =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/

const passingKinds = new Set([
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

/** Errors of pg, its pool and PGlite that carry no code. */
const passingMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Cannot use a pool after calling end|Client (was closed|has encountered a connection error) and is not queryable|PGlite is clos(ed|ing))/

const stoppedNames = /^(RuntimeError|ExitStatus)$/

/** Whether the embedded database has stopped for good: a PANIC ends its WebAssembly. */
export const hasStopped = (error: unknown) => stoppedNames.test(cluesOf(error).name)

function isPassing({ codes, kind, name, message }: Clues): boolean {
  if (kind !== undefined && passingKinds.has(kind)) return true
  if (stoppedNames.test(name)) return true
  if (codes.length === 0) return passingMessages.test(message)
  return codes.some(
    (code) => passingPrismaCodes.test(code) || passingSystemCodes.test(code) || passingStates.test(code)
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
