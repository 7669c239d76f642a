import { readFileSync } from 'node:fs'
import t from 'tap'
import { readMigrations } from '../../../../src/adapters/prisma/migrations/migration-files.js'
import { openServerDatabase } from '../../../../src/adapters/prisma/server/server-database.js'
import { type PrismaProject, schemaEngine } from '../../../support/adapters/schema-engine.js'
import { onServer, serverUrl, sql, testServerDatabase } from '../../../support/database.js'

// Each test makes a database of its own, which takes seconds on a busy disk.
t.setTimeout(240_000)

const onlyWithServer = serverUrl === undefined ? { skip: 'needs TEST_DATABASE_URL' } : {}

const datasource = 'datasource db {\n  provider = "postgresql"\n}\n'

const example = 'examples/own-prisma/prisma'

/** The project of a host, with a table named like one of ours, and a reference to our user's id. */
const host = {
  model: readFileSync(`${example}/schema.prisma`, 'utf8'),
  migrations: [
    {
      name: '20260101000000_notes',
      sql: readFileSync(`${example}/migrations/20260101000000_notes/migration.sql`, 'utf8')
    }
  ]
} satisfies Omit<PrismaProject, 'url'>

const empty = '-- This is an empty migration.'

/** Each relation, function and constraint of our schema, and all rows of the history. */
function ours(url: string, schema: string): Promise<unknown[]> {
  return onServer(async (client) => {
    const parts = await client.query(
      `SELECT relname AS name, relkind::text AS kind FROM pg_class WHERE relnamespace = to_regnamespace($1)
       UNION ALL SELECT proname, 'f' FROM pg_proc WHERE pronamespace = to_regnamespace($1)
       UNION ALL SELECT conname, 'c' FROM pg_constraint WHERE connamespace = to_regnamespace($1) ORDER BY 1, 2`,
      [schema]
    )
    const history = await client.query(`SELECT * FROM "${schema}"."_prisma_migrations" ORDER BY "migration_name"`)
    return [...parts.rows, ...history.rows]
  }, url)
}

t.test(
  "the host's Prisma sees nothing of the schema latchkey, and changes nothing of it",
  onlyWithServer,
  async (t) => {
    const url = await testServerDatabase(t)
    const database = await openServerDatabase({ url })
    t.teardown(() => database.close())
    const before = await ours(url, 'latchkey')

    const first = await schemaEngine(t, { ...host, url, migrations: [] })
    t.equal(await first.dev(), undefined, 'the first migrate dev of a host finds no drift')
    const prisma = await schemaEngine(t, { ...host, url })
    t.strictSame(await prisma.deploy(), ['20260101000000_notes'])
    t.equal(await prisma.dev(), undefined, 'migrate dev finds no drift')
    t.match(await prisma.nextMigration(), empty)
    t.strictSame(await prisma.push(), { executedSteps: 0, unexecutable: [], warnings: [] })
    await prisma.reset()
    t.strictSame(await prisma.deploy(), ['20260101000000_notes'], 'migrate reset empties the schema of the host')

    t.strictSame(await ours(url, 'latchkey'), before)
    await onServer(async (client) => {
      await client.query(`UPDATE public."_prisma_migrations" SET "finished_at" = NULL`)
    }, url)
    const again = await openServerDatabase({ url })
    t.strictSame(await sql(again, 'SELECT count(*)::int AS "users" FROM "user"'), [{ users: 0 }])
    await again.close()
  }
)

t.test(
  'in one schema with Latchkey, migrate dev of a host finds drift, as docs/own-prisma.md warns',
  onlyWithServer,
  async (t) => {
    const url = await testServerDatabase(t)
    await (await openServerDatabase({ url: `${url}?schema=public` })).close()
    const prisma = await schemaEngine(t, { ...host, url, migrations: [] })
    t.match(await prisma.dev(), /Drift detected[\s\S]*- signing_key/)
  }
)

t.test(
  'in one schema with Latchkey, migrate deploy of the host and our own migrations go on',
  onlyWithServer,
  async (t) => {
    const url = await testServerDatabase(t)
    await (await openServerDatabase({ url: `${url}?schema=public` })).close()
    const notes = {
      model: datasource,
      migrations: [{ name: '20250101000000_notes', sql: 'CREATE TABLE "Note" ("id" INT)' }]
    }
    const prisma = await schemaEngine(t, { ...notes, url })
    t.strictSame(await prisma.deploy(), ['20250101000000_notes'])
    await onServer(
      (client) =>
        client.query(
          `UPDATE "_prisma_migrations" SET "finished_at" = NULL WHERE "migration_name" = '20250101000000_notes';
         DELETE FROM "_prisma_migrations" WHERE "migration_name" = '20261127195000_named_lock'; DROP TABLE "named_lock"`
        ),
      url
    )
    const database = await openServerDatabase({ url })
    t.teardown(() => database.close())
    t.strictSame(await sql(database, 'SELECT * FROM "named_lock"'), [], "past the host's failed migration")
  }
)

const own = { model: readFileSync('prisma/schema.prisma', 'utf8') }

t.test(
  'prisma migrate deploy of our own migrations and our runner agree about a database',
  onlyWithServer,
  async (t) => {
    const url = await testServerDatabase(t)
    const migrations = await readMigrations()
    const names = migrations.map(({ name }) => name)

    const lines: string[] = []
    const report = (line: string) => lines.push(line)
    await onServer((client) => client.query('CREATE SCHEMA deployed'), url)
    const deployed = await schemaEngine(t, { ...own, migrations, url: `${url}?schema=deployed` })
    t.strictSame(await deployed.deploy(), names)
    await (await openServerDatabase({ url: `${url}?schema=deployed`, report })).close()
    t.strictSame(lines, [], 'our runner has nothing to do after migrate deploy')

    await (await openServerDatabase({ url, report })).close()
    t.equal(lines.filter((line) => line.endsWith(': applying.')).length, names.length)
    const ran = await schemaEngine(t, { ...own, migrations, url: `${url}?schema=latchkey` })
    t.strictSame(await ran.deploy(), [], 'migrate deploy has nothing to do after our runner')
  }
)

t.test('the migrations make the tables that prisma/schema.prisma describes', onlyWithServer, async (t) => {
  const url = await testServerDatabase(t)
  const migrations = await readMigrations()
  const prisma = await schemaEngine(t, { ...own, migrations, url })
  await prisma.deploy()
  t.equal(await prisma.dev(), undefined)
  const next = (await prisma.nextMigration()).split('\n').filter((line) => line !== '' && !line.startsWith('--'))
  // Prisma builds an index with an operator class of `raw` again and again.
  t.strictSame(
    next.filter((statement) => !statement.includes('"user_email_prefix"')),
    []
  )
})
