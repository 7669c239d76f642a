import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Test } from 'tap'
import type { MigrationConnection } from '../../../src/adapters/prisma/migrations/history.js'
import type { Migration } from '../../../src/adapters/prisma/migrations/migration-files.js'
import { serverUrl, testSchema } from '../database.js'

/** A migration as read from a file with this text. */
export const migration = (name: string, text: string): Migration => ({
  name,
  sql: text,
  checksum: createHash('sha256').update(text).digest('hex')
})

/** The text of a migration that is outside a transaction. */
export const outsideTransaction = (text: string) => `-- latchkey: outside a transaction\n${text}`

export interface ServerConnection extends MigrationConnection {
  readonly client: pg.Client
}

export interface MigratedSchema {
  readonly url: string
  readonly name: string
  /** A new connection to the schema, closed when the test ends. `settings` are those that a role may have. */
  connect(settings?: string): Promise<ServerConnection>
}

/** A new, empty schema on the server, dropped when `t` ends. */
export async function emptySchema(t: Test): Promise<MigratedSchema> {
  const url = await testSchema(t)
  const name = new URL(url).searchParams.get('schema') ?? ''
  const connect = async (settings = '') => {
    const client = new pg.Client({ connectionString: serverUrl, options: `-c search_path=${name} ${settings}` })
    client.on('error', () => undefined)
    await client.connect()
    t.teardown(() => client.end())
    return {
      client,
      schema: name,
      script: (text: string) => client.query(text),
      query: (text: string, values: readonly unknown[]) => client.query(text, [...values])
    }
  }
  const { client } = await connect()
  await client.query(`CREATE SCHEMA ${name}`)
  return { url, name, connect }
}
