import { randomUUID } from 'node:crypto'
import t from 'tap'
import { prismaUserStore } from '../../../../src/adapters/prisma/stores/user-store.js'
import { testAttributes } from '../../../contract/attributes.js'
import { addUser, login, ops, policy } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

onEachDatabase(t, (t, stores, database) => {
  testAttributes(t, stores)

  t.test('the change of nobody is no change', async (t) => {
    t.equal(await stores.users.update(randomUUID(), { attributes: () => ({ plan: 'pro' }) }, ops), undefined)
  })

  t.test(
    'another external id makes access tokens stale only if a function of the host decides about claims',
    async (t) => {
      const user = await addUser(stores)
      const session = await login(stores, user)
      t.match(await stores.users.update(user.id, { externalId: randomUUID() }, ops), { revocations: { length: 0 } })
      const claiming = prismaUserStore(database, { ...policy, claimAttributes: 'any' })
      const updated = await claiming.update(user.id, { externalId: randomUUID() }, ops)
      t.match(updated, { revocations: [{ sid: session.id, reason: 'roles_changed' }] })
      t.match(await claiming.update(user.id, {}, ops), { revocations: { length: 0 } })
    }
  )

  t.test('the database refuses attributes that are no object', async (t) => {
    const user = await addUser(stores)
    for (const value of ['[]', '"text"', 'null', '5']) {
      await t.rejects(sql(database, 'UPDATE "user" SET attributes = $1::jsonb WHERE id = $2::uuid', value, user.id))
    }
  })
})
