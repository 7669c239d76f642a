import { CannotStart } from '../../../ports/errors.js'
import type { DatabaseConnection } from './database-url.js'

/** Runs a query without values on a connection to a server. */
export type ServerQuery = (query: { readonly text: string }) => Promise<{ readonly rows: readonly unknown[] }>

type Server = Pick<DatabaseConnection, 'connection' | 'setting'>

/** What statements need of the session in which they run: what it must be, and how to set it. */
const needed = [
  { name: 'DateStyle', fits: /^ISO/, value: "'ISO'" },
  { name: 'default_transaction_isolation', fits: /^read committed$/, value: "'read committed'" }
] as const

/**
 * Throws `CannotStart` if the role or the database has a default for sessions with which statements fail: times that
 * cannot be read, and snapshots that are older than a lock.
 */
export async function requireUsualSession(query: ServerQuery, { setting }: Server): Promise<void> {
  const columns = needed.map(({ name }) => `current_setting('${name}') AS "${name}"`)
  const { rows } = await query({ text: `SELECT current_user AS "role", ${columns.join(', ')}` })
  const session = rows[0] as Readonly<Record<string, string>>
  for (const { name, fits, value } of needed) {
    if (fits.test(session[name] ?? '')) continue
    throw new CannotStart(
      `${setting}: sessions of the role "${session.role}" have ${name} = "${session[name]}", with which Latchkey does not work. ` +
        `Run: ALTER ROLE "${session.role}" SET ${name} = ${value}.`
    )
  }
}

const identity = 'SELECT current_database() AS "database", system_identifier::text AS "server" FROM pg_control_system()'

/**
 * Throws `CannotStart` if the two lead to different databases: migrations would then change one, and statements use the
 * other. Does nothing where the server does not say which one it is.
 */
export async function requireSameDatabase(query: ServerQuery, direct: ServerQuery): Promise<void> {
  const read = (of: ServerQuery) => of({ text: identity }).then(({ rows }) => JSON.stringify(rows[0]))
  try {
    const [one, other] = [await read(query), await read(direct)]
    if (one === other) return
  } catch {
    return
  }
  throw new CannotStart(
    'DATABASE_DIRECT_URL leads to another database than DATABASE_URL: they must be two ways to the same one.'
  )
}
