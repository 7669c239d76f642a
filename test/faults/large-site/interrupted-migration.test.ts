import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { onServer } from '../../support/database.js'
import { until } from '../../support/faults/crowd.js'
import { cannotRunPostgres, startPostgres } from '../../support/faults/postgres-cluster.js'

t.setTimeout(240_000)

const entry = fileURLToPath(new URL('../../support/processes/migrate-folder.js', import.meta.url))
const endWithParent = new URL('../../support/processes/end-with-parent.js', import.meta.url).href

const migrations = {
  '1_person': { 'migration.sql': 'CREATE TABLE "person" ("name" TEXT); INSERT INTO "person" VALUES (\'ada\');' },
  '2_by_name': {
    'migration.sql': '-- latchkey: outside a transaction\nCREATE INDEX CONCURRENTLY "by_name" ON "person" ("name");'
  }
}

/** A process that migrates. */
function startMigrating(t: Test, databaseUrl: string, folder: string) {
  const child = spawn(process.execPath, ['--import', endWithParent, entry], {
    env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl, MIGRATIONS: folder },
    stdio: ['pipe', 'pipe', 'inherit']
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    printed: () => printed,
    says: (expected: RegExp) => until(async () => expected.test(printed)),
    ended: ended.then(([code]) => code),
    kill: () => child.kill('SIGKILL')
  }
}

t.test(
  'processes that are killed while they build an index leave neither a lock nor work',
  { skip: cannotRunPostgres },
  async (t) => {
    const cluster = await startPostgres(t)
    const folder = t.testdir(migrations)
    const start = () => startMigrating(t, cluster.url, folder)

    await onServer(async (busy) => {
      // The build waits for this transaction, as for a long one of the service.
      await busy.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1')
      const first = start()
      await first.says(/2_by_name: applying/)
      const second = start()
      await second.says(/Another process is migrating this database: waiting for it/)
      first.kill()
      await second.says(/2_by_name: the server still works on the table for an attempt that was interrupted/)
      second.kill()
      await cluster.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%CREATE INDEX CONCURRENTLY%' AND pid <> pg_backend_pid()`
      )
      await busy.query('COMMIT')
    }, cluster.url)

    const valid = () => cluster.sql(`SELECT "indisvalid" FROM pg_index WHERE "indexrelid" = to_regclass('by_name')`)
    const left = await valid()
    const third = start()
    t.equal(await third.ended, 0)
    t.strictSame(await valid(), [{ indisvalid: true }])
    t.strictSame(left, [{ indisvalid: false }], 'the killed build had left an INVALID index')
    t.match(third.printed(), /2_by_name: dropping the unfinished index of an attempt that was interrupted/)
    t.strictSame(
      await cluster.sql('SELECT "migration_name", count(*)::int FROM "_prisma_migrations" GROUP BY 1 ORDER BY 1'),
      [
        { migration_name: '1_person', count: 1 },
        { migration_name: '2_by_name', count: 1 }
      ]
    )
  }
)
