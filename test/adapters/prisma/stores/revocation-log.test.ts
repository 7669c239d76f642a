import t from 'tap'
import { prismaRevocationLog } from '../../../../src/adapters/prisma/stores/revocation-log.js'
import { addUser, login, policy } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

onEachDatabase(t, (t, stores, database) => {
  const log = prismaRevocationLog(database)
  const end = async () => {
    const session = await login(stores, await addUser(stores))
    const revocation = await stores.sessions.end({ sid: session.id }, 'logged_out', {})
    if (revocation === undefined) throw new Error('nothing ended')
    return revocation
  }

  t.test('live returns every entry until it expires', async (t) => {
    const first = await end()
    const { revocation: everybodys } = await stores.sessions.endAll({})
    const live = await log.live()
    t.same(live[0], first)
    t.same(live.at(-1), everybodys)
    await stores.age(policy.accessTokenTtlSeconds)
    t.equal((await log.live()).length, live.length, 'verifiers whose clock is behind still need the entries')
    await stores.age(60)
    t.same(await log.live(), [])
  })

  t.test('after returns entries with a higher id until they expire', async (t) => {
    const [seen, later] = [await end(), await end()]
    t.same(await log.after(seen.id), [later])
    await stores.age(policy.accessTokenTtlSeconds + 60)
    t.same(await log.after(seen.id), [])
  })

  t.test('since returns later entries, and entries that may have been committed later', async (t) => {
    const early = await end()
    await stores.age(100)
    const overtaken = await end()
    const seen = await end()
    const later = await end()
    const ids = (await log.since(seen.id)).map(({ id }) => id)
    t.same(ids, [overtaken.id, seen.id, later.id])
    t.notOk(ids.includes(early.id))
    t.same(
      (await log.since(0n)).map(({ id }) => id),
      [early.id, ...ids],
      'all entries, for a reader that has seen none'
    )

    await sql(database, 'DELETE FROM revocation WHERE id = $1', seen.id)
    const all = [early.id, overtaken.id, later.id]
    t.same(
      (await log.since(seen.id)).map(({ id }) => id),
      all,
      'all entries, if the entry no longer exists'
    )
    t.same(
      (await log.since(10n ** 15n)).map(({ id }) => id),
      all,
      'all entries, for an id of a newer database'
    )
    await stores.age(policy.accessTokenTtlSeconds + 60)
    t.same(await log.since(early.id), [])
  })
})
