import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { onServer, testSchema } from '../database.js'

export interface SeparateRoles {
  readonly schema: string
  /** The URL for the role that owns the schema, and migrates it. */
  readonly owner: string
  /** The URL for the role that serves: it may read and write rows, and nothing else. */
  readonly server: string
}

/** An empty schema of an owner, and a role with the rights that docs/operations.md grants. Dropped when `t` ends. */
export async function separateRoles(t: Test): Promise<SeparateRoles> {
  const url = new URL(await testSchema(t))
  const schema = url.searchParams.get('schema') ?? ''
  const id = randomUUID().replaceAll('-', '')
  const [owner, server] = [`owner_${id}`, `server_${id}`]
  await onServer((client) =>
    client.query(
      `CREATE ROLE ${owner} LOGIN PASSWORD '${owner}'; CREATE ROLE ${server} LOGIN PASSWORD '${server}';
       CREATE SCHEMA ${schema} AUTHORIZATION ${owner};
       GRANT USAGE ON SCHEMA ${schema} TO ${server};
       ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA ${schema}
         GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${server};
       ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA ${schema} GRANT USAGE ON SEQUENCES TO ${server}`
    )
  )
  t.teardown(() =>
    onServer((client) =>
      client.query(`DROP OWNED BY ${owner} CASCADE; DROP OWNED BY ${server}; DROP ROLE ${owner}, ${server}`)
    )
  )
  const urlOf = (role: string) => {
    const ofRole = new URL(url)
    ofRole.username = role
    ofRole.password = role
    return ofRole.href
  }
  return { schema, owner: urlOf(owner), server: urlOf(server) }
}
