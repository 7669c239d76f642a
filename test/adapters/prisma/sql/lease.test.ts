import { randomUUID } from 'node:crypto'
import t from 'tap'
import { claim } from '../../../../src/adapters/prisma/sql/lease.js'
import { openTestDatabase, sql, testDatabases } from '../../../support/database.js'

for (const kind of testDatabases(t)) {
  t.test(kind, async (t) => {
    const database = await openTestDatabase(t, { kind })
    const [first, second, place] = [randomUUID(), randomUUID(), randomUUID()]
    const claimBy = (holder: string, task: string, position: string | null = null) =>
      claim(database, { task, holder, leaseSeconds: 60, position })
    const expire = (task: string) => sql(database, `UPDATE lease SET expires_at = now() WHERE task = $1`, task)

    t.test('a lease belongs to one holder, who can renew it, until it expires', async (t) => {
      t.same(await claimBy(first, 'a'), { position: null })
      t.equal(await claimBy(second, 'a'), undefined)
      t.ok(await claimBy(first, 'a'))
      await expire('a')
      t.ok(await claimBy(second, 'a'))
      t.equal(await claimBy(first, 'a'), undefined)
      t.ok(await claimBy(first, 'b'), 'another task is another lease')
    })

    t.test('who takes a lease over learns where the holder before was', async (t) => {
      await claimBy(first, 'c')
      t.same(await claimBy(first, 'c', place), { position: place }, 'the holder says where it is')
      await expire('c')
      t.same(await claimBy(second, 'c', randomUUID()), { position: place })
      t.same(await claimBy(second, 'c', null), { position: null })
    })

    t.test('nobody waits for the end of a lease that was made before the clock was set back', async (t) => {
      await claimBy(first, 'e')
      await sql(database, `UPDATE lease SET expires_at = now() + interval '2 hours' WHERE task = 'e'`)
      t.ok(await claimBy(second, 'e'))
      t.equal(await claimBy(first, 'e'), undefined)
    })

    t.test('of many claims at once one succeeds', async (t) => {
      for (const state of ['new', 'expired']) {
        if (state === 'expired') await expire('d')
        const claims = await Promise.all(Array.from({ length: 20 }, () => claimBy(randomUUID(), 'd')))
        t.equal(claims.filter((lease) => lease !== undefined).length, 1, state)
      }
    })
  })
}
