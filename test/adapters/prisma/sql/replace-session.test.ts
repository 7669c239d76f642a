import t from 'tap'
import { testReplacements } from '../../../contract/replacement.js'
import { addUser, login, replacementOf } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

onEachDatabase(t, (t, stores, database) => {
  testReplacements(t, stores)

  t.test("the end of everybody's sessions also ends a session that replaced an older one meanwhile", async (t) => {
    const user = await addUser(stores)
    const session = await login(stores, user)
    const proof = { userId: user.id, passwordHash: user.passwordHash }
    const replacement = replacementOf(session)
    t.ok(await stores.sessions.replace(replacement, proof, {}))
    t.ok(await stores.sessions.find(replacement.id))
    await sql(
      database,
      'INSERT INTO everybody_revoked (id, at) VALUES (1, to_timestamp($1::float8 / 1000))',
      session.createdAt
    )
    t.equal(await stores.sessions.find(replacement.id), undefined)
  })
})
