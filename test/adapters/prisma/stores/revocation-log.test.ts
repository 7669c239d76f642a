import t from 'tap'
import { prismaRevocationLog } from '../../../../src/adapters/prisma/stores/revocation-log.js'
import type { Revocation } from '../../../../src/core/revocation-set.js'
import { addUser, login, policy } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, (t, stores, database) => {
  const log = prismaRevocationLog(database)
  const all = async (page?: number) => {
    const entries: Revocation[] = []
    for await (const some of prismaRevocationLog(database, page).live()) entries.push(...some)
    return entries
  }
  const end = async () => {
    const session = await login(stores, await addUser(stores))
    const revocation = await stores.sessions.end({ sid: session.id }, 'logged_out', {})
    if (revocation === undefined) throw new Error('nothing ended')
    return revocation
  }

  t.test('live returns every entry until it expires', async (t) => {
    const first = await end()
    const { revocation: everybodys } = await stores.sessions.endAll({})
    const live = await all()
    t.same(live[0], first)
    t.same(live.at(-1), everybodys)
    await stores.age(policy.accessTokenTtlSeconds)
    t.equal((await all()).length, live.length, 'verifiers whose clock is behind still need the entries')
    await stores.age(60)
    t.same(await all(), [])
  })

  t.test('live returns every entry once, however many fit into one read', async (t) => {
    for (let i = 0; i < 4; i += 1) await end()
    const live = await all()
    t.equal(live.length, 4)
    for (const page of [1, 2, 3, 4, 5]) t.same(await all(page), live)
  })

  t.test('after returns entries with a higher id, and those asked for by id, until they expire', async (t) => {
    const [first, second, third, fourth] = [await end(), await end(), await end(), await end()]
    t.same(await log.after(second.id, []), [third, fourth])
    t.same(await log.after(third.id, [first.id, fourth.id, 10n ** 18n]), [first, fourth])
    await stores.age(policy.accessTokenTtlSeconds + 60)
    t.same(await log.after(first.id, [first.id]), [])
  })
})
