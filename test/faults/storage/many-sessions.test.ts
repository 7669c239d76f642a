import t from 'tap'
import { addUser, changed, login, replacementOf } from '../../contract/stores.js'
import { onEachDatabase } from '../../support/adapters/stores.js'
import { sql } from '../../support/database.js'

/** More sessions than any setting allows, as after an import. many-rows.test.ts has a million. */
const pile = 10_050

onEachDatabase(t, (t, stores, database) => {
  const { sessions, users, events } = stores

  async function userWithPile() {
    const user = await addUser(stores)
    await sql(
      database,
      `INSERT INTO session (id, user_id, secret_hash, mode, created_at, idle_expires_at, absolute_expires_at)
       SELECT gen_random_uuid(), $1::uuid, 'none', 'body', now() - n * interval '1 second', now() + interval '1 day',
         now() + interval '1 day' FROM generate_series(1, $2::int) n`,
      user.id,
      pile
    )
    return user
  }

  const countOf = async (userId: string) => {
    const [row] = await sql<{ count: number }>(
      database,
      'SELECT count(*)::float8 AS count FROM session WHERE user_id = $1::uuid',
      userId
    )
    return row?.count
  }

  t.test('a login ends a bounded number of surplus sessions, and a listing is bounded', async (t) => {
    const user = await userWithPile()
    const session = await login(stores, user, { maxPerUser: 100 })
    t.equal(await countOf(user.id), pile + 1 - 1000)
    const listed = await sessions.listOfUser(user.id)
    t.equal(listed[0]?.id, session.id)
    t.equal(listed.length, pile + 1 - 1000)
  })

  t.test('endAllOfUser ends all surplus sessions except keepSid', async (t) => {
    const user = await userWithPile()
    const [oldest] = await sql<{ id: string }>(
      database,
      'SELECT id::text FROM session WHERE user_id = $1::uuid ORDER BY created_at LIMIT 1',
      user.id
    )
    const keepSid = oldest?.id ?? ''
    const ended = await sessions.endAllOfUser(user.id, { keepSid, reason: 'revoked_by_user' }, {})
    t.equal(
      new Set(ended.map(({ sid }) => sid)).size,
      pile - 1,
      'each has a revocation, so that its access token is refused'
    )
    t.equal(await countOf(user.id), 1)
    t.ok(await sessions.find(keepSid))
  })

  t.test('changing the password, disabling and deleting the user end all surplus sessions', async (t) => {
    const user = await userWithPile()
    const kept = await login(stores, user, { maxPerUser: pile + 1 })
    const change = { userId: user.id, oldHash: user.passwordHash, newHash: 'another', replacement: replacementOf(kept) }
    t.equal(await users.changePassword({ ...change, oldHash: 'not the hash' }, {}), undefined)
    t.equal(await countOf(user.id), pile + 1, 'an old hash that does not match ends nothing')
    t.equal((await users.changePassword(change, {}))?.revocations.length, pile + 1)
    t.equal(await countOf(user.id), 1)

    const disabled = await userWithPile()
    t.equal(changed(await users.update(disabled.id, { disabled: true }, {}))?.revocations.length, pile)
    t.equal(await countOf(disabled.id), 0)

    const deleted = await userWithPile()
    t.equal((await users.delete(deleted.id, 'revoked_by_admin', {}))?.length, pile)
    const [event] = (await events.list({ userId: deleted.id }, { limit: 1 })).items
    t.equal(event?.type, 'user_deleted')
  })
})
