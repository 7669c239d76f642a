import t from 'tap'
import { addUser, attempt, login, ops } from '../../../../contract/stores.js'
import { storesOver } from '../../../../support/adapters/stores.js'
import { onServer, openTestDatabase, serverUrl, sql } from '../../../../support/database.js'
import { until } from '../../../../support/faults/crowd.js'

const onlyWithServer = serverUrl === undefined ? { skip: 'TEST_DATABASE_URL is not set' } : {}

t.test(
  'a demotion waits for one that is under way by the lock of a row; logins and refreshes do not',
  onlyWithServer,
  async (t) => {
    const database = await openTestDatabase(t, { kind: 'server' })
    const stores = storesOver(database)
    const first = await addUser(stores, { roles: ['admin'] })
    const second = await addUser(stores, { roles: ['admin'] })
    const [row] = await sql<{ schema: string }>(database, 'SELECT current_schema()::text AS schema')

    await onServer(async (other) => {
      // What the transaction of another instance has done just before its commit.
      await other.query(`SET search_path = ${row?.schema}`)
      await other.query('BEGIN')
      await other.query(
        `INSERT INTO named_lock VALUES ('admins') ON CONFLICT (name) DO UPDATE SET name = excluded.name`
      )
      await other.query(`UPDATE "user" SET roles = '{}' WHERE id = $1`, [first.id])

      const demotion = stores.users.update(second.id, { roles: [] }, ops)
      await until(async () => {
        const waits = 'SELECT 1 FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid'
        return (await other.query(waits)).rowCount === 1
      })
      const session = await login(stores, await addUser(stores))
      t.ok(await stores.sessions.rotate(attempt(session)))
      await other.query('COMMIT')
      t.equal(await demotion, 'last_admin')
    })
  }
)
