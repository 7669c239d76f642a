import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { buildApp } from '../../src/app.js'
import { loadConfig } from '../../src/config/read-config.js'
import { Unavailable } from '../../src/ports/errors.js'
import { openTestDatabase, sql, testDatabases } from '../support/database.js'
import { expectProblem } from '../support/http/contract-errors.js'
import { keptLog } from '../support/http/log-lines.js'
import { newPerson } from '../support/http/people.js'
import { shiftableClock } from '../support/http/shiftable-clock.js'
import { openService, testEnvironment } from '../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })

t.test('GET /healthz and GET /readyz answer ok', async (t) => {
  const app = await openService(t, database)
  for (const url of ['/healthz', '/readyz']) {
    const response = await app.inject(url)
    t.equal(response.statusCode, 200)
    t.strictSame(response.json(), { status: 'ok' })
  }
})

t.test('without its database the process is alive but not ready', async (t) => {
  let away = false
  const clock = shiftableClock()
  const app = await openService(
    t,
    { ...database, run: (operation) => (away ? Promise.reject(new Unavailable('away', 3)) : database.run(operation)) },
    {},
    clock
  )
  away = true
  t.equal((await app.inject('/healthz')).statusCode, 200)
  const response = await app.inject('/readyz')
  expectProblem(t, response, 'unavailable')
  t.equal(response.headers['retry-after'], '3')

  away = false
  clock.shiftSeconds += 1
  t.equal((await app.inject('/readyz')).statusCode, 200)
})

t.test('a flood of failing probes is one line of the log, and so is their first success', async (t) => {
  let away = false
  const log = keptLog('info')
  const clock = shiftableClock()
  const app = await buildApp(loadConfig(testEnvironment), {
    database: {
      ...database,
      run: (operation) => (away ? Promise.reject(new Unavailable('away')) : database.run(operation))
    },
    clock,
    logger: log.logger
  })
  t.teardown(() => app.close())
  log.clear()
  const probe = () => {
    clock.shiftSeconds += 1
    return app.inject('/readyz')
  }
  away = true
  const begun = performance.now()
  while (!log.text().includes('The database is lost') && performance.now() - begun < 10_000) await probe()
  away = false
  for (let i = 0; i < 10; i += 1) await probe()
  const lines = log.lines().map(({ level, msg, reqId }) => ({ level, msg, reqId }))
  t.strictSame(lines, [
    { level: 40, msg: 'This instance is not ready: /readyz answers 503', reqId: undefined },
    { level: 40, msg: 'The database is lost: it serves nothing', reqId: undefined },
    { level: 30, msg: 'The database is back', reqId: undefined },
    { level: 30, msg: 'This instance is ready again: /readyz answers 200', reqId: undefined }
  ])
})

t.test('an instance that is about to stop is not ready, and serves everything else', async (t) => {
  const leaving = new AbortController()
  const app = await buildApp(loadConfig(testEnvironment), { database, leaving: leaving.signal })
  t.teardown(() => app.close())
  const { client } = await newPerson(app)
  t.equal((await app.inject('/readyz')).statusCode, 200)
  leaving.abort()
  expectProblem(t, await app.inject('/readyz'), 'unavailable')
  t.equal((await app.inject('/healthz')).statusCode, 200)
  t.equal((await client.send('GET', '/me')).statusCode, 200)
  t.equal((await client.send('POST', '/refresh')).statusCode, 200)
})

t.test('a flood of GET /readyz costs the database one query a second, whatever the result', async (t) => {
  let [queries, away, now] = [0, false, Date.now()]
  const clock = { now: () => now, sleep: async () => {} }
  const app = await openService(
    t,
    {
      ...database,
      run: (operation) => {
        queries += 1
        return away ? Promise.reject(new Unavailable('away')) : database.run(operation)
      }
    },
    {},
    clock
  )
  const flood = async () => {
    const before = queries
    const responses = await Promise.all(Array.from({ length: 100 }, () => app.inject('/readyz')))
    return { queries: queries - before, statuses: [...new Set(responses.map(({ statusCode }) => statusCode))] }
  }
  t.strictSame(await flood(), { queries: 1, statuses: [200] }, 'simultaneous requests share one probe')
  now += 999
  away = true
  t.strictSame(await flood(), { queries: 0, statuses: [200] }, 'a result serves for less than a second')
  now += 1
  t.strictSame(await flood(), { queries: 1, statuses: [503] })
  away = false
  t.strictSame(await flood(), { queries: 0, statuses: [503] }, 'a failure too')
  now += 1000
  t.strictSame(await flood(), { queries: 1, statuses: [200] })
  now -= 5000
  t.strictSame(await flood(), { queries: 1, statuses: [200] }, 'a clock that is set back keeps no result')
})

for (const kind of testDatabases(t)) {
  t.test(`without its schema the process is not ready (${kind})`, async (t) => {
    const damaged = await openTestDatabase(t, { kind })
    const clock = shiftableClock()
    const app = await openService(t, damaged, {}, clock)
    const statusAfter = async (statement: string) => {
      await sql(damaged, statement)
      clock.shiftSeconds += 1
      return (await app.inject('/readyz')).statusCode
    }
    t.equal(await statusAfter('SELECT 1'), 200)
    const tables = await sql<{ name: string }>(
      damaged,
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'migration_lock'`
    )
    t.ok(tables.length > 5)
    for (const { name } of tables) {
      t.equal(await statusAfter(`ALTER TABLE "${name}" RENAME TO missing`), 503, `without the table ${name}`)
      t.equal(await statusAfter(`ALTER TABLE missing RENAME TO "${name}"`), 200)
    }
    const last = '(SELECT max(migration_name) FROM "_prisma_migrations")'
    const finished = (value: string) =>
      `UPDATE "_prisma_migrations" SET finished_at = ${value} WHERE migration_name = ${last}`
    t.equal(await statusAfter(finished('NULL')), 503, 'a migration of this version is not finished')
    t.equal(await statusAfter(finished('now()')), 200)
    const later = `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at) VALUES ('x', 'x', '2999', now())`
    t.equal(await statusAfter(later), 200, 'a newer version has migrated')
    t.equal(await statusAfter(`DELETE FROM "_prisma_migrations" WHERE migration_name < '2999'`), 503)
    expectProblem(t, await app.inject('/readyz'), 'unavailable')
  })
}

t.test('while the database is read-only the process is not ready', async (t) => {
  const readOnly = await openTestDatabase(t, { kind: 'embedded' })
  const clock = shiftableClock()
  const app = await openService(t, readOnly, {}, clock)
  for (const [value, status] of [
    ['on', 503],
    ['off', 200]
  ] as const) {
    await sql(readOnly, `SET default_transaction_read_only = ${value}`)
    clock.shiftSeconds += 1
    t.equal((await app.inject('/readyz')).statusCode, status)
  }
})

t.test('without an active signing key the process is not ready', async (t) => {
  const clock = shiftableClock()
  const app = await buildApp(loadConfig(testEnvironment), { database, clock, keyTiming: { checkMilliseconds: 10 } })
  t.teardown(() => app.close())
  const { client } = await newPerson(app)
  const retire = (at: string | null) => sql(database, 'UPDATE signing_key SET retires_at = $1::timestamptz', at)
  const untilRefreshIs = async (status: number) => {
    while ((await client.send('POST', '/refresh')).statusCode !== status) await delay(5)
  }
  await retire('2000-01-01')
  await untilRefreshIs(503)
  const response = await app.inject('/readyz')
  expectProblem(t, response, 'unavailable')
  t.match(response.headers['retry-after'], /^[1-9]\d*$/)
  t.equal((await app.inject('/healthz')).statusCode, 200)

  await retire(null)
  clock.shiftSeconds += 1
  t.equal((await app.inject('/readyz')).statusCode, 200, 'the keys are read again')
})
