import pg from 'pg'
import { migrate } from '../../../src/adapters/prisma/migrations/migrate.js'
import { readMigrations } from '../../../src/adapters/prisma/migrations/migration-files.js'
import { takeMigrationLock } from '../../../src/adapters/prisma/migrations/migration-lock.js'

/** Started as a process: applies the migrations of the folder MIGRATIONS to DATABASE_URL, and prints what it reports. */

const report = (line: string) => console.log(line)

async function connect() {
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL })
  await client.connect()
  return {
    client,
    schema: 'public',
    script: (sql: string) => client.query(sql),
    query: (sql: string, values: readonly unknown[]) => client.query(sql, [...values])
  }
}

const connection = await connect()
const locking = await connect()
await migrate(connection, await readMigrations(process.env.MIGRATIONS), {
  lock: () => takeMigrationLock(locking, { report }),
  report
})
await Promise.all([connection.client.end(), locking.client.end()])
