import t from 'tap'
import { Prisma } from '../../../../src/adapters/prisma/generated/client.js'
import { endSurplus } from '../../../../src/adapters/prisma/sql/end-sessions.js'
import { addUser, login, policy } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'

onEachDatabase(t, (t, stores, database) => {
  const { sessions, events } = stores
  const bounds = { max: 3, batch: 2 }

  t.test('every session above the limit ends, over several batches, except the one to keep', async (t) => {
    const [user, other] = [await addUser(stores), await addUser(stores)]
    const all = []
    for (let i = 0; i < 8; i += 1) {
      all.push(await login(stores, user))
      await login(stores, other)
      await stores.age(1)
    }
    const [oldest] = all
    const ended = await endSurplus(database, policy, { userId: user.id, keepSid: oldest?.id }, {}, bounds)
    t.strictSame(
      ended.map(({ sid, reason }) => ({ sid, reason })).sort((a, b) => String(a.sid).localeCompare(String(b.sid))),
      all
        .slice(1, 5)
        .map(({ id }) => ({ sid: id, reason: 'session_limit' }))
        .sort((a, b) => a.sid.localeCompare(b.sid))
    )
    t.equal((await events.endingOf(all[1]?.id ?? ''))?.reason, 'session_limit')
    t.equal((await sessions.listOfUser(user.id)).length, 4)
    t.equal((await sessions.listOfUser(other.id)).length, 8)
    t.strictSame(await endSurplus(database, policy, { userId: user.id, keepSid: oldest?.id }, {}, bounds), [])
  })

  t.test('no session ends if the condition no longer holds', async (t) => {
    const user = await addUser(stores)
    for (let i = 0; i < 5; i += 1) await login(stores, user)
    const only = Prisma.sql`false`
    t.strictSame(await endSurplus(database, policy, { userId: user.id, only }, {}, bounds), [])
    t.equal((await sessions.listOfUser(user.id)).length, 5)
  })
})
