import t, { type Test } from 'tap'
import { migrate } from '../../../../src/adapters/prisma/migrations/migrate.js'
import {
  emptySchema,
  migration,
  outsideTransaction,
  type ServerConnection
} from '../../../support/adapters/migrations.js'
import { serverUrl } from '../../../support/database.js'
import { until } from '../../../support/faults/crowd.js'

const table = migration('1_table', 'CREATE TABLE "person" ("name" TEXT)')
const index = migration(
  '2_index',
  outsideTransaction(
    '-- People are looked up by name.\nCREATE UNIQUE INDEX CONCURRENTLY "by_name" ON "person" ("name");\n'
  )
)
const both = [table, index]

for (const wrong of [
  'CREATE INDEX "by_name" ON "person" ("name")',
  'CREATE INDEX CONCURRENTLY "a" ON "person" ("name"); CREATE INDEX CONCURRENTLY "b" ON "person" ("name")',
  'DROP INDEX CONCURRENTLY "by_name"',
  'VACUUM "person"'
]) {
  t.test(`outside a transaction, "${wrong}" is refused, because it could not be repeated`, async (t) => {
    const migrating = migrate(
      { schema: 'public', script: async () => undefined, query: async () => ({ rows: [] }) },
      [migration('1_wrong', outsideTransaction(wrong))],
      {}
    )
    await t.rejects(migrating, { cause: { message: /1_wrong is outside a transaction, so it must be one statement/ } })
  })
}

if (serverUrl === undefined) {
  t.pass('migrations outside a transaction', { skip: 'needs TEST_DATABASE_URL' })
} else {
  async function isValid({ client }: ServerConnection): Promise<boolean> {
    const { rows } = await client.query(`SELECT "indisvalid" FROM pg_index WHERE "indexrelid" = to_regclass('by_name')`)
    return rows[0]?.indisvalid === true
  }

  async function applied({ client }: ServerConnection): Promise<readonly string[]> {
    const { rows } = await client.query('SELECT "migration_name" FROM "_prisma_migrations" ORDER BY 1')
    return rows.map(({ migration_name }) => migration_name)
  }

  async function withTable(t: Test) {
    const schema = await emptySchema(t)
    const connection = await schema.connect()
    await migrate(connection, [table])
    return { schema, connection }
  }

  t.test('a migration outside a transaction builds its index, and another one drops it', async (t) => {
    const { connection } = await withTable(t)
    await migrate(connection, both)
    t.ok(await isValid(connection))
    const dropping = migration('3_drop', outsideTransaction('DROP INDEX CONCURRENTLY IF EXISTS "by_name";'))
    await migrate(connection, [...both, dropping])
    t.notOk(await isValid(connection))
    t.strictSame(await applied(connection), ['1_table', '2_index', '3_drop'])
  })

  t.test('an INVALID index that an attempt left behind is dropped and built again', async (t) => {
    const { connection } = await withTable(t)
    await connection.script(`INSERT INTO "person" VALUES ('ada'), ('ada')`)
    await t.rejects(migrate(connection, both), /2_index failed\. The next attempt begins it again\./)
    t.notOk(await isValid(connection))
    t.strictSame(await applied(connection), ['1_table'], 'an older version can still start')
    await connection.script('TRUNCATE "person"')
    const lines: string[] = []
    await migrate(connection, both, { report: (line) => lines.push(line) })
    t.ok(await isValid(connection))
    t.strictSame(await applied(connection), ['1_table', '2_index'])
    t.match(lines, [/applying/, /dropping the unfinished index/])
  })

  t.test('an index that exists already counts as built', async (t) => {
    const { connection } = await withTable(t)
    await connection.script('CREATE INDEX "by_name" ON "person" ("name")')
    const { rows: before } = await connection.client.query(`SELECT to_regclass('by_name')::oid AS "id"`)
    await migrate(connection, both)
    const { rows: after } = await connection.client.query(`SELECT to_regclass('by_name')::oid AS "id"`)
    t.strictSame(after, before)
    t.strictSame(await applied(connection), ['1_table', '2_index'])
  })

  t.test('a build that goes on in the server after its process was killed is waited for, and used', async (t) => {
    const { schema, connection } = await withTable(t)
    // The build waits for this transaction, as it would for a long one of the service.
    const busy = await schema.connect()
    await busy.script(`BEGIN; INSERT INTO "person" VALUES ('ada')`)
    const orphaned = await schema.connect()
    const building = orphaned.script(index.sql)
    await until(async () => {
      const { rows } = await connection.client.query(`SELECT to_regclass('by_name') IS NOT NULL AS "begun"`)
      return rows[0]?.begun
    })
    const lines: string[] = []
    const migrating = migrate(connection, both, { report: (line) => lines.push(line), pauseMilliseconds: 10 })
    await until(async () => lines.length > 1)
    t.match(lines, [/applying/, /the server still works on the table for an attempt/])
    await busy.script('COMMIT')
    await building
    await migrating
    t.equal(lines.length, 2, 'it is not built a second time')
    t.ok(await isValid(connection))
  })
}
