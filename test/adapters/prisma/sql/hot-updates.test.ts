import t from 'tap'
import { prismaSessionStore } from '../../../../src/adapters/prisma/stores/session-store.js'
import { addUser, attempt, login, policy, reread } from '../../../contract/stores.js'
import { storesOver } from '../../../support/adapters/stores.js'
import { openTestDatabase, sql, testDatabases } from '../../../support/database.js'

for (const kind of testDatabases(t)) {
  t.test(`${kind}: no refresh writes to an index`, async (t) => {
    // One connection, because each connection reports its own counts.
    const database = await openTestDatabase(t, { kind, server: { poolSize: 1 } })
    const stores = storesOver(database)
    const strict = prismaSessionStore(database, { ...policy, graceSeconds: 0 }, 64)
    const session = await login(stores, await addUser(stores))
    for (let i = 0; i < 30; i++) t.ok(await strict.rotate(attempt(await reread(stores, session))))

    await sql(database, 'SELECT pg_stat_force_next_flush()::text')
    const [counts] = await sql<{ updated: bigint; hot: bigint }>(
      database,
      `SELECT n_tup_upd AS updated, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relid = 'session'::regclass`
    )
    t.equal(counts?.updated, 30n)
    // While a transaction of another test keeps old rows alive, a page may be full: then an update has to leave it.
    t.ok(Number(counts?.hot) >= 26, `${counts?.hot} of 30`)
  })
}
