import t from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { databaseClock } from '../../../src/adapters/prisma/database-clock.js'
import { Unavailable } from '../../../src/ports/errors.js'
import { openTestDatabase, sql, testDatabases } from '../../support/database.js'

for (const kind of testDatabases(t)) {
  t.test(`${kind}: the clock returns the database's time, whatever the local time is`, async (t) => {
    const database = await openTestDatabase(t, { kind })
    for (const local of [() => performance.now(), () => performance.now() + 300_000]) {
      const clock = await databaseClock(database, local)
      t.teardown(() => clock.stop())
      const before = await databaseTime(database)
      const now = clock.now()
      const after = await databaseTime(database)
      // The error is up to half a round trip, which is long on a busy machine.
      t.ok(now >= before - 500 && now <= after + 500, `${now} lies between ${before} and ${after}`)
      t.ok(Number.isInteger(now))
    }
  })
}

t.test('with a scripted database', async (t) => {
  const script = scriptedDatabase()
  let local = 1000
  const clock = await databaseClock(script.database, () => local)
  t.teardown(() => clock.stop())

  t.test('measure uses the fastest probe, and half its round trip', async (t) => {
    // The second probe takes 10 ms, the others 200 ms; the database's clock is 50 s ahead.
    const roundTrips = [200, 10, 200]
    script.answer = () => {
      const roundTrip = roundTrips.shift() ?? 0
      local += roundTrip
      return local + 50_000 - (roundTrip === 10 ? 5 : 0)
    }
    await clock.measure()
    t.equal(clock.now(), local + 50_000)
  })

  t.test('the clock follows local time between measurements', async (t) => {
    const now = clock.now()
    local += 1234
    t.equal(clock.now(), now + 1234)
  })

  t.test('the clock keeps its offset while the database is away, and measures a new one afterwards', async (t) => {
    const now = clock.now()
    script.answer = () => {
      throw new Unavailable('away')
    }
    await clock.measure()
    t.equal(clock.now(), now)
    script.answer = () => local + 90_000
    await clock.measure()
    t.equal(clock.now(), local + 90_000)
  })

  t.test('sleep resolves', async () => clock.sleep(0))

  t.test('databaseClock throws without the database', async (t) => {
    script.answer = () => {
      throw new Unavailable('away')
    }
    await t.rejects(databaseClock(script.database), Unavailable)
  })
})

async function databaseTime(database: Database): Promise<number> {
  const [row] = await sql<{ now: number }>(
    database,
    'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS "now"'
  )
  return row?.now ?? Number.NaN
}

/** A database whose answers the test sets. */
function scriptedDatabase() {
  const script = {
    answer: () => 0,
    database: {
      kind: 'server',
      run: async (operation: (prisma: { $queryRaw(): Promise<object[]> }) => Promise<unknown>) =>
        operation({ $queryRaw: async () => [{ now: script.answer() }] }),
      close: async () => undefined
    } as unknown as Database
  }
  return script
}
