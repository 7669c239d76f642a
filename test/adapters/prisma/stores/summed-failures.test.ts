import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Database } from '../../../../src/adapters/prisma/database.js'
import { prismaEventLog } from '../../../../src/adapters/prisma/stores/event-log.js'
import { summedFailures } from '../../../../src/adapters/prisma/stores/summed-failures.js'
import { memoryRateLimits } from '../../../../src/adapters/rate-limits/memory-rate-limits.js'
import { Unavailable } from '../../../../src/ports/errors.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

onEachDatabase(t, (t, _stores, database) => {
  const events = () =>
    sql<{ type: string; ip: string | null; count: number; reason: string | null }>(
      database,
      'SELECT type, ip, count, reason FROM event ORDER BY count DESC, ip'
    )
  const emptyLog = () => sql(database, 'DELETE FROM event')
  /** The log over `store`, with a stopped clock. */
  const open = (store: Database = database) => {
    const log = summedFailures(store, prismaEventLog(store), memoryRateLimits({ monotonic: () => 0 }))
    t.teardown(log.close)
    const fail = (ip: string, reason = 'wrong_password') =>
      log.events.record({ type: 'login_failed', userId: randomUUID(), reason }, { ip })
    const { events, flush, close } = log
    return { events, flush, close, fail }
  }

  t.test('a few wrong passwords are written one by one', async (t) => {
    await emptyLog()
    const { fail, flush } = open()
    for (let i = 0; i < 5; i++) await fail('192.0.2.1')
    await flush()
    t.match(
      await events(),
      Array(5).fill({ type: 'login_failed', ip: '192.0.2.1', count: 1, reason: 'wrong_password' })
    )
  })

  t.test('above its limits a flood of wrong passwords adds a few sums instead of a row each', async (t) => {
    await emptyLog()
    const { fail, flush, events: log } = open()
    for (let network = 0; network < 40; network++) {
      for (let i = 0; i < 10 + network; i++) await fail(`198.51.100.${network}`)
    }
    for (let i = 0; i < 3; i++) await log.record({ type: 'password_refused' }, { ip: '198.51.100.0' })
    const before = await events()
    t.equal(before.length, 30, 'five each of the first networks')
    await flush()
    const sums = (await events()).filter(({ count }) => count > 1)
    t.equal(sums.length, 12)
    t.same(
      sums
        .filter(({ ip }) => ip !== null)
        .map(({ ip }) => ip)
        .sort(),
      [...Array.from({ length: 10 }, (_, i) => `198.51.100.${30 + i}`)]
    )
    t.match(
      sums.find(({ type }) => type === 'password_refused'),
      { ip: null, count: 3 }
    )
    const total = (await events()).reduce((sum, { count }) => sum + count, 0)
    t.equal(total, Array.from({ length: 40 }, (_, i) => 10 + i).reduce((a, b) => a + b) + 3, 'nothing is lost')
    await flush()
    t.equal((await events()).length, 42, 'a sum is written once')
  })

  t.test('an IPv6 network has one sum, and other events are always written', async (t) => {
    await emptyLog()
    const { fail, flush, events: log } = open()
    for (let i = 0; i < 8; i++) await fail(`2001:db8:0:1::${i}`)
    for (let i = 0; i < 40; i++) await log.record({ type: 'signing_key_rotated' }, { ip: '192.0.2.1' })
    await flush()
    t.match((await events())[0], { ip: '2001:db8:0:1::/64', count: 3 })
    t.equal((await events()).filter(({ type }) => type === 'signing_key_rotated').length, 40)
  })

  t.test('many networks take bounded memory', async (t) => {
    await emptyLog()
    const { fail, flush } = open()
    for (let i = 0; i < 1500; i++) await fail(`10.0.${i >> 8}.${i & 255}`)
    await flush()
    const all = await events()
    t.ok(all.length <= 42)
    t.equal(
      all.reduce((sum, { count }) => sum + count, 0),
      1500
    )
  })

  t.test('while the database cannot serve, sums are kept; closing writes them', async (t) => {
    await emptyLog()
    let away = false
    const { fail, flush, close } = open({
      ...database,
      run: (operation) => (away ? Promise.reject(new Unavailable('away')) : database.run(operation))
    })
    for (let i = 0; i < 9; i++) await fail('192.0.2.9')
    away = true
    await t.rejects(flush(), Unavailable)
    await t.resolves(close(), 'closing never fails')
    away = false
    await close()
    t.match((await events())[0], { ip: '192.0.2.9', count: 4 })
  })
})
