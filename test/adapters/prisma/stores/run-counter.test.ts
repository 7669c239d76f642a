import t from 'tap'
import { eventRetentionSeconds, purgeExpired } from '../../../../src/adapters/prisma/sql/purge/purge.js'
import { prismaRunCounter } from '../../../../src/adapters/prisma/stores/run-counter.js'
import { guessLimits, type RunLimit } from '../../../../src/core/rate-limits.js'
import { digest, policy } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

const hour = 3600
const day = 24 * hour
const limit = guessLimits.strangersInARow
const small: RunLimit = { name: 'small', max: 4, perDay: 2, pauses: [{ after: 2, seconds: 60 }] }

onEachDatabase(t, (t, stores, database) => {
  const counter = prismaRunCounter(database, digest)
  const rows = () => sql<{ key: string; failures: number }>(database, 'SELECT key, failures FROM guess_run')
  const isAbout = (actual: number, expected: number) => actual <= expected && actual > expected - 60

  t.test('a hundred failures in a row, with ever longer pauses, then five a day', async (t) => {
    const use = { limit, key: 'attacked' }
    const failUntilRefused = async () => {
      let failures = 0
      for (;;) {
        const { granted, endsInSeconds } = await counter.use(use)
        if (!granted) return { failures, pause: endsInSeconds }
        failures += 1
      }
    }
    let total = 0
    for (const [failures, pause] of [
      [25, hour / 4],
      [25, hour],
      [25, 6 * hour],
      [25, day],
      [5, day],
      [5, day]
    ] as const) {
      const before = await failUntilRefused()
      total += before.failures
      t.equal(before.failures, failures, `after ${total}`)
      t.ok(isAbout(before.pause, pause), `${before.pause} s`)
      await stores.age(pause - 60)
      t.match(await counter.use(use), { granted: false }, 'until the pause has ended')
      await stores.age(60)
    }
    await stores.age(30 * day)
    t.equal((await failUntilRefused()).failures, 25, 'after a month the count begins at 0')
  })

  t.test('failures at once never exceed the limit, and each key has its own', async (t) => {
    const results = await Promise.all(Array.from({ length: 20 }, () => counter.use({ limit: small, key: 'at once' })))
    t.equal(results.filter(({ granted }) => granted).length, 2)
    t.match(await counter.use({ limit: small, key: 'another' }), { granted: true, uses: 1 })
    t.match(await counter.use({ limit: { ...small, name: 'other limit' }, key: 'at once' }), { granted: true, uses: 1 })
  })

  t.test(
    'a failure counts once and is not refused if a failure whose statement began later was counted first',
    async (t) => {
      const use = { limit: small, key: 'overtaken' }
      await counter.use(use)
      await stores.age(-1)
      t.match(await counter.use(use), { granted: true, uses: 2 })
    }
  )

  t.test('each full day without a failure lowers the count', async (t) => {
    const use = { limit: { ...small, pauses: [{ after: 99, seconds: 60 }] }, key: 'slow' }
    for (const uses of [1, 2, 3]) t.match(await counter.use(use), { granted: true, uses })
    await stores.age(day - 60)
    t.match(await counter.use(use), { granted: true, uses: 4 }, 'not a full day')
    t.match(await counter.use(use), { granted: false, uses: 4 })
    await stores.age(day)
    t.match(await counter.use(use), { granted: true, uses: 3 })
  })

  t.test('a failure that is undone does not count, and neither does the pause that began with it', async (t) => {
    const use = { limit: small, key: 'undone' }
    for (const uses of [1, 2]) t.match(await counter.use(use), { granted: true, uses })
    t.match(await counter.use(use), { granted: false })
    await counter.undo(use)
    t.match(await counter.use(use), { granted: true, uses: 2 })
    for (let i = 0; i < 5; i++) await counter.undo(use)
    t.notOk(
      (await rows()).some(({ key }) => key === digest('small undone')),
      'a row without failures is gone'
    )
    t.match(await counter.use(use), { granted: true, uses: 1 })
  })

  t.test('after a reset the count begins at 0', async (t) => {
    const use = { limit: small, key: 'forgotten' }
    for (let i = 0; i < 3; i++) await counter.use(use)
    await counter.forget(use)
    t.match(await counter.use(use), { granted: true, uses: 1 })
    await counter.forget({ limit: small, key: 'unknown' })
  })

  t.test('a refusal writes nothing', async (t) => {
    const use = { limit: small, key: 'refused' }
    for (let i = 0; i < 2; i++) await counter.use(use)
    const version = () =>
      sql(database, 'SELECT xmin::text, xmax::text, ctid::text FROM guess_run WHERE key = $1', digest('small refused'))
    const before = await version()
    for (let i = 0; i < 5; i++) t.match(await counter.use(use), { granted: false })
    t.strictSame(await version(), before)
  })

  t.test('the purge removes a row when its count is 0 again, and no sooner', async (t) => {
    const purge = () => purgeExpired(database, { batch: 1000, eventRetentionSeconds: eventRetentionSeconds(policy) })
    await sql(database, 'DELETE FROM guess_run')
    await counter.use({ limit, key: 'once' })
    for (let i = 0; i < 6; i++) await counter.use({ limit, key: 'six times' })
    const left = async () => (await rows()).map(({ failures }) => failures)
    await stores.age(day - 60)
    await purge()
    t.same((await left()).sort(), [1, 6])
    await stores.age(60)
    await purge()
    t.same(await left(), [6])
    await stores.age(day)
    await purge()
    t.same(await left(), [])
  })
})
