import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { connectionPool } from '../../../src/adapters/prisma/connection-pool.js'
import { type Database, query } from '../../../src/adapters/prisma/database.js'
import { openServerDatabase, type ServerOptions } from '../../../src/adapters/prisma/server/server-database.js'
import { Unavailable } from '../../../src/ports/errors.js'
import { onServer, serverUrl, testSchema } from '../../support/database.js'
import { until } from '../../support/faults/crowd.js'
import { startRelay } from '../../support/faults/relay.js'

t.jobs = 1
const onlyWithServer = { skip: serverUrl === undefined && 'TEST_DATABASE_URL is not set' }

/** A database whose pool has two connections, behind a relay. `connections` counts those that the server has. */
async function open(t: Test, options: Partial<ServerOptions> = {}) {
  const name = `test-${randomUUID()}`
  const url = new URL(await testSchema(t))
  url.searchParams.set('application_name', name)
  const relay = await startRelay(t, url.href)
  const database = await openServerDatabase({ url: relay.url, poolSize: 2, statementTimeoutSeconds: 0.5, ...options })
  t.teardown(() => database.close())
  const connections = () =>
    onServer(async (client) => {
      const { rowCount } = await client.query('SELECT FROM pg_stat_activity WHERE application_name = $1', [name])
      return rowCount
    })
  return { relay, database, connections }
}

/** Runs for `seconds` on the server, which does not end it sooner. */
function sleep(database: Database, seconds: number): Promise<unknown> {
  return database.run((prisma) =>
    prisma.$transaction(async (transaction) => {
      await transaction.$executeRaw`SET LOCAL statement_timeout = 0`
      await transaction.$executeRaw`SELECT pg_sleep(${seconds}::float8)`
    })
  )
}

const one = (database: Database) => query<{ one: number }>(database)`SELECT 1 AS one`

t.test('a connection counts until the server has ended the statement that we gave up', onlyWithServer, async (t) => {
  const { database, connections } = await open(t)
  const sleepers = [sleep(database, 3), sleep(database, 3)]
  await Promise.all(sleepers.map((sleeper) => t.rejects(sleeper, Unavailable)))
  t.equal(await connections(), 2)
  const asked = performance.now()
  await t.rejects(one(database), Unavailable)
  t.ok(performance.now() - asked < 500, 'with no connection left it refuses at once')
  const most: (number | null)[] = []
  await until(async () => {
    most.push(await connections())
    return one(database).then(
      () => true,
      () => false
    )
  })
  t.ok(Math.max(...most.map(Number)) <= 3, 'it opens no connection but the one that asks what the server works on')
  t.same(await Promise.all([one(database), one(database), one(database)]), Array(3).fill([{ one: 1 }]))
  t.ok(Number(await connections()) <= 2)
})

t.test('a transaction that we gave up is rolled back when the server answers', onlyWithServer, async (t) => {
  const { database } = await open(t, { poolSize: 1 })
  await one(database)
  const given = database.run((prisma) =>
    prisma.$transaction(async (transaction) => {
      await transaction.$executeRaw`SET LOCAL statement_timeout = 0`
      await transaction.$executeRaw`SELECT pg_advisory_xact_lock(420), pg_sleep(2)`
    })
  )
  await t.rejects(given, Unavailable)
  const isLocked = () =>
    onServer(
      async (client) =>
        (await client.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 420")).rowCount
    )
  t.equal(await isLocked(), 1)
  await until(async () => (await isLocked()) === 0)
  await until(() => one(database).then(Boolean, () => false))
})

t.test('connections that the network has lost are replaced when the server can be asked', onlyWithServer, async (t) => {
  const { database, relay } = await open(t)
  await Promise.all([one(database), one(database)])
  relay.silence()
  await Promise.all([t.rejects(one(database), Unavailable), t.rejects(one(database), Unavailable)])
  await t.rejects(one(database), Unavailable, 'the lost connections count at first')
  await until(() => one(database).then(Boolean, () => false))
})

t.test('a statement that fails leaves its connection in the pool', onlyWithServer, async (t) => {
  const { database } = await open(t, { poolSize: 1 })
  const pid = () => query<{ pid: number }>(database)`SELECT pg_backend_pid() AS pid`
  const before = await pid()
  await t.rejects(query(database)`SELECT 1 / 0`)
  t.same(await pid(), before)
})

t.test('closing does not wait for statements that we gave up', onlyWithServer, async (t) => {
  const { database } = await open(t)
  await t.rejects(sleep(database, 30), Unavailable)
  const closing = performance.now()
  await database.close()
  t.ok(performance.now() - closing < 5000)
})

t.test('asking whether a connection leads to the server itself has a time limit', onlyWithServer, async (t) => {
  const relay = await startRelay(t, serverUrl ?? '')
  const { pool, prepareIfDirect, close } = connectionPool({ connectionString: relay.url, max: 1 }, 0.3)
  t.teardown(close)
  await pool.query({ text: 'SELECT 1' })
  relay.silence()
  await t.rejects(prepareIfDirect(), new Unavailable('The database did not answer within 0.3 s.'))
})

t.test('a start that loses its connection at that question names the cause', onlyWithServer, async (t) => {
  const relay = await startRelay(t, serverUrl ?? '')
  relay.loseAnswerTo('SELECT pg_backend_pid()')
  await t.rejects(openServerDatabase({ url: relay.url }), {
    name: 'CannotStart',
    message: /^DATABASE_URL: .* closes the connection without a word/
  })
})
