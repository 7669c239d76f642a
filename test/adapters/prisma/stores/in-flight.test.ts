import type pg from 'pg'
import t from 'tap'
import { purgeExpired } from '../../../../src/adapters/prisma/sql/purge/purge.js'
import { addUser, attempt, changed, login, ops, reread, tryLogin } from '../../../contract/stores.js'
import { storesOver } from '../../../support/adapters/stores.js'
import { onServer, openTestDatabase, serverUrl, sql } from '../../../support/database.js'

// Concurrent operations, with an order that a lock makes certain.
t.test('concurrent operations', { skip: serverUrl === undefined && 'TEST_DATABASE_URL is not set' }, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server' })
  const stores = storesOver(database)
  const [row] = await sql<{ schema: string }>(database, 'SELECT current_schema()::text AS schema')
  const { schema } = row ?? { schema: '' }

  /** Takes the locks of `lock` and runs `scene`, while other statements wait for these locks. */
  const holding = <T>(lock: string, scene: (client: pg.Client) => Promise<T>) =>
    onServer(async (client) => {
      await client.query(`SET search_path = ${schema}`)
      await client.query('BEGIN')
      await client.query(lock)
      return scene(client)
    })

  /** Resolves when `count` connections wait for the locks of `client`, directly or behind each other. */
  const untilWaiting = async (client: pg.Client, count: number) => {
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE $1::int = ANY (pg_blocking_pids(pid)) OR EXISTS (
        SELECT 1 FROM unnest(pg_blocking_pids(pid)) waits WHERE $1 = ANY (pg_blocking_pids(waits)))`
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    while (((await client.query(waiting, [rows[0]?.pid])).rowCount ?? 0) < count);
  }

  /** Stops `change` at its event, just before its commit, and runs `read` meanwhile. */
  const duringCommit = <Changed, Read>(change: () => Promise<Changed>, read: () => Promise<Read>) =>
    holding('LOCK TABLE event IN SHARE MODE', async (client) => {
      const changing = change()
      await untilWaiting(client, 1)
      const seen = await read()
      await client.query('COMMIT')
      return { changed: await changing, seen }
    })

  t.test('a change of roles revokes tokens with the old roles, also if they were read before its commit', async (t) => {
    const user = await addUser(stores, { roles: ['editor'] })
    const session = await login(stores, user)
    const { changed: update, seen } = await duringCommit(
      async () => changed(await stores.users.update(user.id, { roles: [] }, ops)),
      () => stores.sessions.rotate(attempt(session))
    )
    t.same(seen?.user.roles, ['editor'], 'the old roles were read')
    t.match(update?.revocations, [{ sid: session.id, reason: 'roles_changed' }])
    t.ok((update?.revocations[0]?.at ?? 0) >= (seen?.now ?? 0))
  })

  t.test('ending all sessions revokes a session that was read before its commit', async (t) => {
    const session = await login(stores, await addUser(stores))
    const { changed, seen } = await duringCommit(
      () => stores.sessions.endAll(ops),
      () => reread(stores, session)
    )
    t.ok(changed.revocation.at >= seen.now)
  })

  t.test('endAllOfUser waits for a login in flight, and ends its session', async (t) => {
    const user = await addUser(stores)
    const lock = `SELECT 1 FROM "user" WHERE id = '${user.id}' FOR UPDATE`
    const [created, ended] = await holding(lock, async (client) => {
      const creating = tryLogin(stores, user)
      await untilWaiting(client, 1)
      const ending = stores.sessions.endAllOfUser(user.id, { reason: 'revoked_by_user' }, {})
      await Promise.race([ending, untilWaiting(client, 2)])
      await client.query('COMMIT')
      return Promise.all([creating, ending])
    })
    if (created === 'user_changed') return t.fail('the login was refused')
    t.match(ended, [{ sid: created.session.id }])
    t.equal(await stores.sessions.find(created.session.id), undefined)
  })

  t.test('a purge does not wait for locked rows', async (t) => {
    await sql(database, 'DELETE FROM session')
    const session = await login(stores, await addUser(stores), { idleTtlSeconds: 5 })
    await stores.age(10)
    const purge = () => purgeExpired(database, { batch: 10, eventRetentionSeconds: 1_000_000 })
    await holding(`SELECT 1 FROM session WHERE id = '${session.id}' FOR UPDATE`, async (client) => {
      t.match(await purge(), { sessions: 0 })
      await client.query('COMMIT')
    })
    t.match(await purge(), { sessions: 1 })
  })
})
