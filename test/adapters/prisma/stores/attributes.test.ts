import { randomUUID } from 'node:crypto'
import t from 'tap'
import { testAttributes } from '../../../contract/attributes.js'
import { addUser, ops } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

onEachDatabase(t, (t, stores, database) => {
  testAttributes(t, stores)

  t.test('the change of nobody is no change', async (t) => {
    t.equal(await stores.users.update(randomUUID(), { attributes: () => ({ plan: 'pro' }) }, ops), undefined)
  })

  t.test('the database refuses attributes that are no object', async (t) => {
    const user = await addUser(stores)
    for (const value of ['[]', '"text"', 'null', '5']) {
      await t.rejects(sql(database, 'UPDATE "user" SET attributes = $1::jsonb WHERE id = $2::uuid', value, user.id))
    }
  })
})
