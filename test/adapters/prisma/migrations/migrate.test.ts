import { PGlite } from '@electric-sql/pglite'
import t, { type Test } from 'tap'
import { builtTemplate, createCluster } from '../../../../src/adapters/embedded/data-folder.js'
import type { MigrationConnection } from '../../../../src/adapters/prisma/migrations/history.js'
import { migrate, requireMigrated } from '../../../../src/adapters/prisma/migrations/migrate.js'
import { readMigrations } from '../../../../src/adapters/prisma/migrations/migration-files.js'
import { takeMigrationLock } from '../../../../src/adapters/prisma/migrations/migration-lock.js'
import { openServerDatabase } from '../../../../src/adapters/prisma/server/server-database.js'
import { emptySchema, migration, outsideTransaction } from '../../../support/adapters/migrations.js'
import { openTestDatabase, sql, testDatabases, testFolder, testSchema } from '../../../support/database.js'
import { until } from '../../../support/faults/crowd.js'

interface HistoryRow {
  readonly migration_name: string
  readonly checksum: string
  readonly applied_steps_count: number
  readonly finished_at: number | null
  readonly rolled_back_at: number | null
  readonly logs: string | null
}

const first = migration('1_first', 'CREATE TABLE "first" ("id" INT); INSERT INTO "first" VALUES (1)')
const second = migration('2_second', 'ALTER TABLE "first" ADD COLUMN "name" TEXT')

for (const kind of testDatabases(t)) {
  t.test(`${kind}: the history is what "prisma migrate deploy" would have written`, async (t) => {
    const database = await openTestDatabase(t, { kind })
    const rows = await sql<HistoryRow>(database, 'SELECT * FROM "_prisma_migrations" ORDER BY "migration_name"')
    const files = await readMigrations()
    t.ok(files.length > 0)
    t.same(
      rows.map((row) => [row.migration_name, row.checksum]),
      files.map((file) => [file.name, file.checksum])
    )
    for (const row of rows) {
      t.match(row, { applied_steps_count: 1, finished_at: Number, rolled_back_at: null, logs: null })
    }
    const columns = await sql(
      database,
      `SELECT "column_name" AS "name", "data_type" AS "type", "character_maximum_length" AS "length",
              "is_nullable" AS "nullable", "column_default" AS "default"
       FROM information_schema.columns
       WHERE "table_name" = '_prisma_migrations' AND "table_schema" = current_schema() ORDER BY "ordinal_position"`
    )
    const time = 'timestamp with time zone'
    t.same(columns, [
      { name: 'id', type: 'character varying', length: 36, nullable: 'NO', default: null },
      { name: 'checksum', type: 'character varying', length: 64, nullable: 'NO', default: null },
      { name: 'finished_at', type: time, length: null, nullable: 'YES', default: null },
      { name: 'migration_name', type: 'character varying', length: 255, nullable: 'NO', default: null },
      { name: 'logs', type: 'text', length: null, nullable: 'YES', default: null },
      { name: 'rolled_back_at', type: time, length: null, nullable: 'YES', default: null },
      { name: 'started_at', type: time, length: null, nullable: 'NO', default: 'now()' },
      { name: 'applied_steps_count', type: 'integer', length: null, nullable: 'NO', default: '0' }
    ])
  })
}

const onlyWithServer = testDatabases(t).includes('server') ? {} : { skip: 'needs TEST_DATABASE_URL' }

t.test('processes that start at the same time on an empty database all succeed', onlyWithServer, async (t) => {
  const url = await testSchema(t)
  const databases = await Promise.all([0, 1, 2, 3].map(() => openServerDatabase({ url, poolSize: 1 })))
  t.teardown(() => Promise.all(databases.map((database) => database.close())))
  for (const database of databases) {
    t.equal((await sql(database, 'SELECT * FROM "_prisma_migrations"')).length, (await readMigrations()).length)
  }
})

t.test('a migration waits for the locks of others on its table, and says so', onlyWithServer, async (t) => {
  const schema = await emptySchema(t)
  const connection = await schema.connect()
  await migrate(connection, [first])
  const busy = await schema.connect()
  await busy.script('BEGIN; SELECT * FROM "first"')
  const lines: string[] = []
  const migrating = migrate(connection, [first, second], { report: (line) => lines.push(line), pauseMilliseconds: 10 })
  await until(async () => lines.length > 1)
  t.match(lines, [/applying/, /other transactions use its tables: waiting/])
  await busy.script('COMMIT')
  await migrating
})

t.test('the time-outs of the role, which are for requests, do not end a migration', onlyWithServer, async (t) => {
  const schema = await emptySchema(t)
  const ofRole = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']
  const settings = ofRole.map((name) => `-c ${name}=150`).join(' ')
  const connection = await schema.connect(settings)
  const locking = await schema.connect(settings)
  const slow = `CREATE FUNCTION "slow"(INT) RETURNS INT IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.3); RETURN $1; END';
    SELECT pg_sleep(0.3)`
  const index = outsideTransaction('CREATE INDEX CONCURRENTLY "by_slow" ON "first" ("slow"("id"))')
  await migrate(connection, [first, migration('2_slow', slow), migration('3_index', index)], {
    lock: () => takeMigrationLock(locking, { report: () => undefined })
  })
  const { rows } = await connection.client.query('SHOW statement_timeout')
  t.strictSame(rows, [{ statement_timeout: '150ms' }], 'afterwards they count again')
})

t.test('readMigrations returns the migrations of a folder by name', async (t) => {
  const folder = t.testdir({
    '2_second': { 'migration.sql': second.sql },
    '1_first': { 'migration.sql': first.sql },
    'migration_lock.toml': 'provider = "postgresql"'
  })
  t.same(await readMigrations(folder), [first, second])
})

t.test('migrate, on one connection', async (t) => {
  const pglite = await emptyCluster(t)
  const connection: MigrationConnection = {
    schema: 'public',
    script: (text) => pglite.exec(text),
    query: (text, values) => pglite.query(text, [...values])
  }
  const history = async () =>
    (await pglite.query<HistoryRow>('SELECT * FROM "_prisma_migrations" ORDER BY "migration_name"')).rows
  t.beforeEach(() => pglite.exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public'))

  t.test('migrations are applied once, in order', async (t) => {
    await migrate(connection, [first])
    await migrate(connection, [first, second])
    await migrate(connection, [first, second])
    t.same(
      (await history()).map((row) => row.migration_name),
      ['1_first', '2_second']
    )
    t.same((await pglite.query('SELECT * FROM "first"')).rows, [{ id: 1, name: null }])
  })

  t.test('without pending migrations nothing is locked or written', async (t) => {
    await migrate(connection, [first])
    await pglite.exec('BEGIN; SET TRANSACTION READ ONLY')
    await migrate({ ...connection, script: async () => t.fail('it wrote') }, [first])
    t.same((await pglite.query(`SELECT 1 FROM pg_locks WHERE "locktype" = 'advisory'`)).rows, [])
    await pglite.exec('COMMIT')
  })

  t.test('a migration outside a transaction works on the embedded database too', async (t) => {
    const text = outsideTransaction('CREATE INDEX CONCURRENTLY "by_id" ON "first" ("id")')
    await migrate(connection, [first, migration('2_index', text)])
    t.same((await pglite.query(`SELECT "indisvalid" FROM pg_index WHERE "indexrelid" = to_regclass('by_id')`)).rows, [
      { indisvalid: true }
    ])
  })

  t.test('a migration marked as applied is recorded and not run, and the others run', async (t) => {
    const triggers = migration('2_triggers', 'CREATE TRIGGER of an engine that has them')
    const third = migration('3_third', 'CREATE TABLE "third" ("id" INT)')
    const lines: string[] = []
    await migrate(connection, [first, triggers, third], {
      markApplied: ['2_triggers'],
      report: (line) => lines.push(line)
    })
    t.same(
      (await history()).map((row) => row.migration_name),
      ['1_first', '2_triggers', '3_third']
    )
    t.match(lines, ['1_first: applying.', '2_triggers: recorded as applied, and not run.', '3_third: applying.'])
    await t.rejects(migrate(connection, [first], { markApplied: ['2_trigers'] }), /There is no migration 2_trigers/)
  })

  t.test('requireMigrated names the first missing migration in one line, and changes nothing', async (t) => {
    await migrate(connection, [first])
    await t.resolves(requireMigrated(connection, [first]))
    await t.rejects(requireMigrated(connection, [first, second]), {
      name: 'CannotStart',
      message:
        'MIGRATE is off, and the schema "public" of the database lacks the migration 2_second: run "latchkey migrate" first.'
    })
    const third = migration('3_third', 'SELECT 1')
    await t.rejects(requireMigrated(connection, [first, second, third]), /lacks the migration 2_second and 1 more: run/)
    t.equal((await history()).length, 1)
    await pglite.exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    await t.rejects(requireMigrated(connection, [first]), /lacks the migration 1_first/, 'also on an empty database')
  })

  t.test('a failed migration leaves nothing behind, and the lock is free', async (t) => {
    const broken = migration('2_broken', 'CREATE TABLE "half" ("id" INT); SELECT 1 / 0')
    await t.rejects(migrate(connection, [first, broken]), /2_broken failed and was rolled back/)
    t.same((await pglite.query(`SELECT to_regclass('"half"')::text AS "half"`)).rows, [{ half: null }])
    t.equal((await history()).length, 1)
    t.same((await pglite.query(`SELECT 1 FROM pg_locks WHERE "locktype" = 'advisory'`)).rows, [])
    await migrate(connection, [first, second])
    t.equal((await history()).length, 2)
  })

  t.test('an applied migration whose file has changed is refused', async (t) => {
    await migrate(connection, [first])
    const edited = migration('1_first', 'CREATE TABLE "other" ("id" INT)')
    await t.rejects(migrate(connection, [edited, second]), /1_first was applied .* from another file/)
    t.equal((await history()).length, 1, 'later migrations are not applied')
  })

  t.test('a failed migration of "prisma migrate" is refused until it is resolved', async (t) => {
    await migrate(connection, [first])
    await pglite.exec(
      `INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name") VALUES ('x', '${second.checksum}', '2_second')`
    )
    await t.rejects(migrate(connection, [first, second]), /2_second failed halfway/)
    await pglite.exec(`UPDATE "_prisma_migrations" SET "rolled_back_at" = now() WHERE "id" = 'x'`)
    await migrate(connection, [first, second])
    t.equal((await history()).length, 3)
  })

  t.test('migrations of a newer version stay', async (t) => {
    await migrate(connection, [first, second])
    await migrate(connection, [first])
    t.equal((await history()).length, 2)
  })
})

async function emptyCluster(t: Test): Promise<PGlite> {
  const pglite = await PGlite.create({ dataDir: await createCluster(await testFolder(t), builtTemplate) })
  t.teardown(() => pglite.close())
  return pglite
}
