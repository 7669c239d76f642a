import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Migration = Awaited<ReturnType<typeof readMigrations>>[number]

/** The first line of a migration that cannot run in a transaction, such as CREATE INDEX CONCURRENTLY. */
const outsideTransactionMark = '-- latchkey: outside a transaction'

/** Whether the migration must run outside a transaction. */
export const isOutsideTransaction = ({ sql }: Pick<Migration, 'sql'>) =>
  sql.split('\n', 1)[0]?.trim() === outsideTransactionMark

/** The migrations of this version, oldest first. `checksum` is the SHA-256 of the file in hex, as in `prisma migrate`. */
export async function readMigrations(folder = migrationsFolder()) {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    names.sort().map(async (name) => {
      const file = await readFile(join(folder, name, 'migration.sql'))
      return { name, sql: file.toString('utf8'), checksum: createHash('sha256').update(file).digest('hex') }
    })
  )
}

/** `prisma/migrations` of our package, wherever the compiler has put this module. */
function migrationsFolder(): string {
  const from = dirname(fileURLToPath(import.meta.url))
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'prisma', 'migrations', 'migration_lock.toml')
    if (existsSync(candidate)) return dirname(candidate)
  }
  throw new Error(`There is no prisma/migrations above ${from}: the installation is incomplete.`)
}
