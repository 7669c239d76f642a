import pg from 'pg'
import { CannotStart } from '../../../ports/errors.js'
import { isUniqueViolation } from '../database-errors.js'
import { tableOf } from '../migrations/history.js'
import type { Migration } from '../migrations/migration-files.js'
import type { DatabaseConnection } from './database-url.js'

/** Where the tables of an installation before version 0.2.0 are, unless its URL names a schema. */
const formerSchema = 'public'
/** Where the tables of a new installation are: apart from those of a host, whose Prisma knows only its own. */
const newSchema = 'latchkey'

/**
 * The schema of our tables if the URL names none: `public` if it has rows of our migrations, otherwise `latchkey`. A
 * history without such rows is the host's. Throws `CannotStart` if both have such rows, because a wrong choice would
 * serve another set of users.
 */
export async function ownSchema(client: pg.Client, migrations: readonly Migration[]): Promise<string> {
  const names = migrations.map(({ name }) => name)
  const isOurs = async (schema: string) => {
    const { rowCount: readable } = await client.query(readableHistory, [schema])
    if (readable === 0) return false
    const history = tableOf({ schema }, '_prisma_migrations')
    const own = await client.query(`SELECT 1 FROM ${history} WHERE "migration_name" = ANY($1) LIMIT 1`, [names])
    return own.rowCount !== 0
  }
  if (!(await isOurs(formerSchema))) return newSchema
  if (!(await isOurs(newSchema))) return formerSchema
  throw new CannotStart(
    `Both the schema "${formerSchema}" and the schema "${newSchema}" have tables of Latchkey: ` +
      `name the right one in DATABASE_URL, by ?schema=${formerSchema} or ?schema=${newSchema}.`
  )
}

/** A history that this role may not read is not ours. */
const readableHistory = `
  SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = $1 AND c.relname = '_prisma_migrations'
     AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')`

/** Creates the schema if it does not exist. Throws `CannotStart`, with the command to run, if the role may not. */
export async function ensureSchema(client: pg.Client, schema: string, server: DatabaseConnection): Promise<void> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])
  if (rowCount !== 0) return
  const name = pg.escapeIdentifier(schema)
  try {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${name}`)
  } catch (error) {
    // Two processes at once both find the schema missing. Then one of them gets this error, although it exists now.
    if (isUniqueViolation(error)) return
    if (!(error instanceof Error && 'code' in error && error.code === '42501')) throw error
    const { user = '', database } = client
    throw new CannotStart(
      `${server.setting}: the role "${user}" may not create the schema "${schema}". ` +
        `Run this as the owner of the database "${database}": CREATE SCHEMA ${name} AUTHORIZATION ${pg.escapeIdentifier(user)}`,
      { cause: error }
    )
  }
}
