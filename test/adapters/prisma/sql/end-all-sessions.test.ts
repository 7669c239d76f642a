import t from 'tap'
import { finishEndOfAll } from '../../../../src/adapters/prisma/sql/end-all-sessions.js'
import { purgeExpired } from '../../../../src/adapters/prisma/sql/purge/purge.js'
import { addUser, attempt, login, ops, policy } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

onEachDatabase(t, (t, stores, database) => {
  const { sessions } = stores
  const rows = async (table: 'session' | 'revocation') =>
    (await sql<{ count: number }>(database, `SELECT count(*)::int AS count FROM ${table}`))[0]?.count
  /** Moves the moment up to which everybody's sessions have ended. */
  const shiftMoment = (shift: string) =>
    sql(database, 'UPDATE everybody_revoked SET at = at + $1::text::interval', shift)

  t.test("ending everybody's sessions leaves the rows to the purge, which writes no further event", async (t) => {
    const user = await addUser(stores)
    const ended = [await login(stores, user), await login(stores, user)]
    t.match(await sessions.endAll(ops), { count: 2 })
    t.equal(await rows('session'), 2)
    const later = await login(stores, user)

    t.match(await purgeExpired(database, { batch: 9, eventRetentionSeconds: 1e6 }), { sessions: 2 })
    t.ok(await sessions.find(later.id))
    for (const { id } of ended) t.equal((await stores.events.endingOf(id))?.reason, 'revoked_by_admin')
    t.same((await stores.events.list({ type: 'session_ended' }, { limit: 9 })).items, [])
  })

  t.test('only live sessions are counted, and each once', async (t) => {
    await sql(database, 'DELETE FROM session')
    const user = await addUser(stores)
    await login(stores, user, { idleTtlSeconds: 5 })
    await stores.age(10)
    await login(stores, user)
    t.match(await sessions.endAll(ops), { count: 1 })
    await login(stores, user)
    t.match(await sessions.endAll(ops), { count: 1 })
    t.match(await sessions.endAll(ops), { count: 0 })
  })

  t.test('a session lives that is created after the end, also while the clock of the database is behind', async (t) => {
    const user = await addUser(stores)
    await sessions.endAll(ops)
    await shiftMoment('1 hour')
    const first = await login(stores, user)
    t.ok(await sessions.rotate(attempt(first)))
    await sessions.endAll(ops)
    t.equal(await sessions.find(first.id), undefined, 'the next end takes it too')
    t.ok(await sessions.find((await login(stores, user)).id))
  })

  t.test('if a process dies before its second revocation, another one writes it once', async (t) => {
    await sql(database, 'DELETE FROM everybody_revoked')
    await sessions.endAll(ops)
    await shiftMoment('-1 minute')
    const before = (await rows('revocation')) ?? 0
    await finishEndOfAll(database, policy)
    t.equal(await rows('revocation'), before, 'the process has written it')
    await sql(database, 'UPDATE everybody_revoked SET at = now(), repeated = false')
    await finishEndOfAll(database, policy)
    t.equal(await rows('revocation'), before, 'the process may still be about to write it')
    await shiftMoment('-1 minute')
    await finishEndOfAll(database, policy)
    await finishEndOfAll(database, policy)
    t.equal(await rows('revocation'), before + 1)
  })
})
