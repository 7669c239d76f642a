import t from 'tap'
import { endAllSessions } from '../../../../src/adapters/prisma/sql/end-all-sessions.js'
import { addUser, login, ops, policy } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

onEachDatabase(t, (t, stores, database) => {
  t.test('sessions in several batches all end, except those of later logins', async (t) => {
    const user = await addUser(stores)
    for (let i = 0; i < 5; i++) await login(stores, user)
    const later = await login(stores, user)
    await sql(
      database,
      `UPDATE session SET created_at = created_at + interval '1 minute' WHERE id = $1::uuid`,
      later.id
    )

    t.match(await endAllSessions(database, policy, 2)(ops), { count: 5 })
    t.same(
      (await stores.sessions.listOfUser(user.id)).map(({ id }) => id),
      [later.id]
    )
    t.equal((await stores.events.list({ type: 'everybody_revoked' }, { limit: 9 })).items.length, 1)
  })
})
