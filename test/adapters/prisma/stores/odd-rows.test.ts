import t from 'tap'
import { addUser, attempt, login, reread } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

// Rows that the stores never create, but a person with a database client can.
onEachDatabase(t, (t, stores, database) => {
  const { sessions } = stores
  const step = { kind: 'renew', generation: 0, retryKeyHash: null } as const

  t.test('a session of a disabled user cannot be rotated', async (t) => {
    const user = await addUser(stores)
    const session = await login(stores, user)
    await sql(database, 'UPDATE "user" SET disabled_at = now() WHERE id = $1::uuid', user.id)
    t.equal(await sessions.rotate(attempt(session)), undefined)
    t.equal(await sessions.advance(session, step, {}), false)
    t.match(await reread(stores, session), { generation: 0, user: { disabled: true } })
  })

  t.test('a session whose key was written by version 0.1.0 has used a key, also after the next rotation', async (t) => {
    const session = await login(stores, await addUser(stores))
    const rotateAs0_1_0 = (key: string | null) =>
      sql(
        database,
        'UPDATE session SET generation = generation + 1, rotated_at = now(), retry_key_hash = $2 WHERE id = $1::uuid',
        session.id,
        key
      )
    await rotateAs0_1_0('a hash')
    const seen = await reread(stores, session)
    t.match(seen, { generation: 1, retryKeyHash: 'a hash', keyUsed: true })
    await stores.age(20)
    t.ok(await sessions.rotate(attempt(seen)))
    t.match(await reread(stores, session), { generation: 2, retryKeyHash: null, keyUsed: true })
    await rotateAs0_1_0(null)
    t.match(await reread(stores, session), { generation: 3, retryKeyHash: null, keyUsed: true })
  })

  t.test('the absolute end holds, also if the idle end is later', async (t) => {
    const user = await addUser(stores)
    const session = await login(stores, user)
    await sql(
      database,
      `UPDATE session SET absolute_expires_at = now() - interval '1 second' WHERE id = $1::uuid`,
      session.id
    )
    const seen = await reread(stores, session)
    t.ok(seen.idleExpiresAt > seen.absoluteExpiresAt)
    t.equal(await sessions.rotate(attempt(seen)), undefined)
    t.equal(await sessions.advance(seen, step, {}), false)
    t.same(await sessions.listOfUser(user.id), [])
    t.same((await sessions.list({ userId: user.id }, { limit: 5 })).items, [])
  })

  t.test('only a deleted session that is older than the end of all sessions ended with them', async (t) => {
    const before = await login(stores, await addUser(stores))
    await stores.age(1)
    await stores.events.record({ type: 'everybody_revoked', reason: 'revoked_by_admin' }, {})
    t.equal((await stores.events.endingOf(before.id))?.reason, undefined, 'the session is live')
    await stores.age(1)
    const after = await login(stores, await addUser(stores))
    await sql(database, 'DELETE FROM session')
    t.equal((await stores.events.endingOf(before.id))?.reason, 'revoked_by_admin')
    t.equal((await stores.events.endingOf(after.id))?.reason, undefined)
  })

  t.test('list columns that are NULL are read as empty lists', async (t) => {
    const user = await addUser(stores)
    const session = await login(stores, user)
    await sql(database, 'UPDATE "user" SET roles = NULL WHERE id = $1::uuid', user.id)
    await sql(database, 'UPDATE session SET amr = NULL WHERE id = $1::uuid', session.id)
    t.match(await reread(stores, session), { amr: [], user: { roles: [] } })
    t.same((await stores.users.find(user.id))?.roles, [])
    t.match(await stores.users.update(user.id, { roles: ['a'] }, {}), { revocations: { length: 1 } })
  })
})
