import { createHash } from 'node:crypto'
import { Prisma } from './generated/client.js'

const mark = '/* prepared */'

/**
 * Begins the text of a statement that runs often: `${prepared} SELECT …`. A connection to a server then parses it once
 * and keeps its plan. All values of such a statement must be parameters, so that its text is always the same.
 */
export const prepared = Prisma.raw(mark)

/** A connection keeps each prepared statement in the server's memory, so their number is bounded. */
const maxNames = 32

/** The names under which a connection keeps prepared statements. */
export interface StatementNames {
  /** Undefined if the statement is not to be prepared. */
  nameOf(text: string): string | undefined
  /** From now on, no statement has a name. */
  stop(): void
}

/** Names the statements that begin with `prepared`. The name is a hash of the text: one name never has two texts. */
export function statementNames(): StatementNames {
  const names = new Map<string, string>()
  let isStopped = false
  return {
    nameOf(text) {
      if (isStopped || !text.startsWith(mark)) return undefined
      const known = names.get(text)
      if (known !== undefined || names.size >= maxNames) return known
      const name = `latchkey_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
      names.set(text, name)
      return name
    },
    stop() {
      isStopped = true
      names.clear()
    }
  }
}

/**
 * Whether the server has refused a prepared statement before it ran: it does not know the name (26000), or knows it
 * already (42P05), because a pooler has changed the server connection; or a migration has changed the type of a column
 * (0A000). The same statement without a name can then run at once.
 */
export function isNameRefused(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  if (error.code === '0A000') return 'routine' in error && error.routine === 'RevalidateCachedQuery'
  return error.code === '26000' || error.code === '42P05'
}
