import { createHash } from 'node:crypto'
import type { Database } from './database.js'
import { Prisma } from './generated/client.js'

const mark = '/* prepared */'

/**
 * Begins the text of a statement that runs often: `${prepared} SELECT …`. A connection to a server then parses it once
 * and keeps its plan. All values of such a statement must be parameters, so that its text is always the same.
 */
export const prepared = Prisma.raw(mark)

/** Stands for a value that each run of a statement gives. */
class Parameter {
  constructor(readonly name: PropertyKey) {}
}

/**
 * A statement that runs often. `build` is called once, and gets a function that returns the parameter of a name. The result
 * runs the statement as one operation, with values for these parameters:
 *
 *     const nameOf = preparedStatement<{ name: string }, { id: string }>(
 *       database,
 *       (given) => Prisma.sql`SELECT name FROM ${tables.user} WHERE id = ${given('id')}::uuid`
 *     )
 *     const [row] = await nameOf({ id })
 *
 * Each parameter needs a cast, because it can occur only once in the text that the server parses.
 */
export function preparedStatement<Row, Values extends object>(
  database: Pick<Database, 'run'>,
  build: (given: (name: keyof Values) => Prisma.Sql) => Prisma.Sql
): (values: Values) => Promise<Row[]> {
  const { text, values } = Prisma.sql`${prepared} ${build((name) => Prisma.sql`${new Parameter(name)}`)}`
  const valuesWith = (given: Values) =>
    values.map((value) => (value instanceof Parameter ? given[value.name as keyof Values] : value))
  return (given) => database.run((_, ask) => ask<Row>(text, valuesWith(given)))
}

/** A connection keeps each prepared statement in the server's memory, so their number is bounded. */
const maxNames = 32

/** The names under which connections keep prepared statements. */
export interface StatementNames {
  /** Undefined if the statement is not to be prepared. */
  nameOf(text: string): string | undefined
  /**
   * Whether `error` says that the server refused the statement because of its name, before it ran. The same statement
   * without a name can then run at once. From now on the statement has another name, or no statement has one.
   */
  isRefused(text: string, name: string, error: unknown): boolean
}

/**
 * Names the statements that begin with `prepared`. The name is a hash of the text: one name never has two texts.
 *
 * If a migration has changed the type of a column, the server refuses to run a statement again that it prepared before
 * (0A000). The statement gets another name. If the server does not know a name (26000), or knows it already (42P05), a
 * pooler has changed the server connection. Then no statement has a name, and `onStopped` is called once.
 */
export function statementNames(onStopped: () => void = () => undefined): StatementNames {
  const names = new Map<string, string>()
  let renewals = 0
  let isStopped = false

  function nameFor(text: string): string {
    const hash = createHash('sha256').update(`${renewals} ${text}`).digest('hex')
    return `latchkey_${hash.slice(0, 32)}`
  }

  function stop(): void {
    if (isStopped) return
    isStopped = true
    onStopped()
  }

  return {
    nameOf(text) {
      if (isStopped || !text.startsWith(mark)) return undefined
      const known = names.get(text)
      if (known !== undefined || names.size >= maxNames) return known
      const name = nameFor(text)
      names.set(text, name)
      return name
    },

    isRefused(text, name, error) {
      if (!(error instanceof Error) || !('code' in error)) return false
      if (error.code === '26000' || error.code === '42P05') {
        stop()
        return true
      }
      if (error.code !== '0A000' || !('routine' in error) || error.routine !== 'RevalidateCachedQuery') return false
      // Each connection refuses the old name, and all of them get the same new one.
      if (names.get(text) === name) {
        renewals += 1
        names.set(text, nameFor(text))
      }
      return true
    }
  }
}
