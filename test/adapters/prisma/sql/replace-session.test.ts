import t from 'tap'
import { testReplacements } from '../../../contract/replacement.js'
import { addUser, login, ops, replacementOf } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

onEachDatabase(t, (t, stores, database) => {
  testReplacements(t, stores)

  t.test("a session cannot be replaced while the end of everybody's sessions is on its way to it", async (t) => {
    const user = await addUser(stores)
    const session = await login(stores, user)
    const proof = { userId: user.id, passwordHash: user.passwordHash }
    const { revocation } = await stores.sessions.endAll(ops)
    const late = await login(stores, user)
    await sql(database, 'UPDATE session SET created_at = to_timestamp($1::float8 / 1000)', session.createdAt)
    t.ok(session.createdAt <= revocation.at)
    t.equal(await stores.sessions.replace(replacementOf(late), proof, {}), undefined)
    await sql(database, 'UPDATE session SET created_at = now()')
    t.ok(await stores.sessions.replace(replacementOf(late), proof, {}))
  })
})
