import t from 'tap'
import { purgeExpired } from '../../../../src/adapters/prisma/sql/purge/purge.js'
import { databaseReadiness } from '../../../../src/adapters/prisma/stores/readiness.js'
import { onServer, openTestDatabase, sql, testDatabases } from '../../../support/database.js'

for (const kind of testDatabases(t)) {
  t.test(kind, async (t) => {
    const database = await openTestDatabase(t, { kind })
    const rows = () =>
      sql<{ instance: string; at: number }>(database, 'SELECT instance::text, at FROM readiness_probe ORDER BY at')

    t.test('each check of an instance writes the row of that instance', async (t) => {
      const [first, second] = [databaseReadiness(database), databaseReadiness(database)]
      await first()
      await second()
      const [{ instance, at } = { instance: '', at: 0 }] = await rows()
      t.equal((await rows()).length, 2)
      await first()
      const moved = (await rows()).find((row) => row.instance === instance)
      t.ok(moved && moved.at > at)
      t.equal((await rows()).length, 2)
    })

    t.test('hundreds of checks need no further room', async (t) => {
      const ready = databaseReadiness(database)
      await ready()
      const size = async () =>
        (
          await sql<{ size: number }>(
            database,
            `SELECT (pg_relation_size('readiness_probe') + pg_relation_size('readiness_probe_pkey'))::int AS size`
          )
        )[0]?.size
      const before = await size()
      for (let i = 0; i < 300; i += 1) await ready()
      t.equal(await size(), before)
    })

    t.test('the rows of instances that stopped a day ago are purged', async (t) => {
      const ready = databaseReadiness(database)
      await sql(database, `UPDATE readiness_probe SET at = now() - interval '1 day'`)
      await ready()
      t.equal((await rows()).length, 4)
      await purgeExpired(database, { batch: 10, eventRetentionSeconds: 1e6 })
      t.equal((await rows()).length, 1)
      await ready()
      await sql(database, 'DELETE FROM readiness_probe')
      await t.resolves(ready(), 'an instance that was not asked for a day writes its row again')
    })

    if (kind === 'embedded') return
    t.test('while an earlier write waits for its commit, a check fails at once and does not wait too', async (t) => {
      const ready = databaseReadiness(database)
      await ready()
      const [schema] = await sql<{ name: string }>(database, 'SELECT current_schema()::text AS name')
      await onServer(async (client) => {
        await client.query('BEGIN')
        await client.query(`SELECT 1 FROM ${schema?.name}.readiness_probe FOR UPDATE`)
        await t.rejects(ready(), { name: 'Unavailable', message: 'An earlier write still waits for its commit.' })
        await client.query('COMMIT')
      })
      await t.resolves(ready())
    })
  })
}
