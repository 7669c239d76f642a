import t from 'tap'
import { migrate } from '../../src/adapters/prisma/migrations/migrate.js'
import { readMigrations } from '../../src/adapters/prisma/migrations/migration-files.js'
import { onServer, testFolder } from '../support/database.js'
import { adminSettings, Crowd, expectNobodySignedOut } from '../support/faults/crowd.js'
import { cannotRunPostgres, startPostgres } from '../support/faults/postgres-cluster.js'
import { quickSettings, startService } from '../support/processes/process.js'

t.setTimeout(600_000)

/** A migration that the next version may apply during a rolling deploy: it only adds. */
const next = {
  name: '29990101000000_next',
  sql: `ALTER TABLE session ADD COLUMN trust INTEGER NOT NULL DEFAULT 0, ADD COLUMN place TEXT;
    CREATE TABLE device (id UUID PRIMARY KEY); CREATE INDEX session_place ON session (place)`,
  checksum: 'f'.repeat(64)
}

t.test(
  '19: after a newer version has migrated under load, the older one still serves and can be started again',
  { skip: cannotRunPostgres },
  async (t) => {
    const cluster = await startPostgres(t)
    const settings = {
      ...quickSettings,
      ...adminSettings,
      DATABASE_URL: cluster.url,
      DATA_DIR: await testFolder(t),
      REFRESH_GRACE_SECONDS: '1'
    }
    const old = await startService(t, settings)
    const crowd = await Crowd.signIn([old.url], 10)
    crowd.start()
    await crowd.served(30)
    await onServer(
      async (client) =>
        migrate(
          {
            schema: 'latchkey',
            script: (sql) => client.query(sql),
            query: (sql, values) => client.query(sql, [...values])
          },
          [...(await readMigrations()), next]
        ),
      cluster.url
    )
    await crowd.served(100)
    const { wrong, broken, served, unavailable } = await crowd.stop()
    t.strictSame({ wrong, broken }, { wrong: [], broken: 0 }, `${served} served, ${unavailable} unavailable`)

    const restarted = await startService(t, settings)
    for (const device of crowd.devices.slice(5)) device.url = restarted.url
    await expectNobodySignedOut(t, crowd)
    t.strictSame(await cluster.sql('SELECT count(*)::int FROM session WHERE trust <> 0'), [{ count: 0 }])
  }
)
