import t from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { databaseClock } from '../../../src/adapters/prisma/database-clock.js'
import { Unavailable } from '../../../src/ports/errors.js'
import { openTestDatabase, sql, testDatabases } from '../../support/database.js'

for (const kind of testDatabases(t)) {
  t.test(`${kind}: tells the database's time, wherever local time started`, async (t) => {
    const database = await openTestDatabase(t, { kind })
    for (const local of [() => performance.now(), () => performance.now() + 300_000]) {
      const clock = await databaseClock(database, local)
      t.teardown(() => clock.stop())
      const before = await databaseTime(database)
      const told = clock.now()
      const after = await databaseTime(database)
      // Half a round trip either way: a loaded machine makes that long.
      t.ok(told >= before - 500 && told <= after + 500, `${told} lies between ${before} and ${after}`)
      t.ok(Number.isInteger(told))
    }
  })
}

t.test('with a scripted database', async (t) => {
  const script = scriptedDatabase()
  let local = 1000
  const clock = await databaseClock(script.database, () => local)
  t.teardown(() => clock.stop())

  t.test('trusts the fastest of its probes, and halves its round trip', async (t) => {
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

  t.test('goes on with local time between measures', async (t) => {
    const told = clock.now()
    local += 1234
    t.equal(clock.now(), told + 1234)
  })

  t.test('keeps its distance when the database is away, and takes a new one when it is back', async (t) => {
    const told = clock.now()
    script.answer = () => {
      throw new Unavailable('away')
    }
    await clock.measure()
    t.equal(clock.now(), told)
    script.answer = () => local + 90_000
    await clock.measure()
    t.equal(clock.now(), local + 90_000)
  })

  t.test('sleeps', async () => clock.sleep(0))

  t.test('cannot start without the database', async (t) => {
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

/** Stands for a database whose clock and round trips the test sets. */
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
