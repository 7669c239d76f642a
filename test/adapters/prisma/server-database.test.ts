import { randomUUID } from 'node:crypto'
import t from 'tap'
import { openServerDatabase } from '../../../src/adapters/prisma/server-database.js'
import { Unavailable } from '../../../src/ports/errors.js'
import { onServer, openTestDatabase, sql, testDatabases, testSchema } from '../../support/database.js'
import { startRelay } from '../../support/faults/relay.js'

const onlyWithServer = testDatabases(t).includes('server') ? {} : { skip: 'needs TEST_DATABASE_URL' }

t.test('a server that cannot be reached makes openServerDatabase throw Unavailable', async (t) => {
  await t.rejects(openServerDatabase({ url: 'postgresql://nobody@127.0.0.1:1/nowhere' }), Unavailable)
})

t.test('times are right, also if the role has another time zone', onlyWithServer, async (t) => {
  const role = `latchkey_${randomUUID().replaceAll('-', '')}`
  const url = new URL(await testSchema(t))
  await onServer(async (client) => {
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`)
    await client.query(`ALTER ROLE ${role} SET timezone TO 'America/St_Johns'`)
    await client.query(`CREATE SCHEMA ${url.searchParams.get('schema')} AUTHORIZATION ${role}`)
  })
  t.teardown(() => onServer((client) => client.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`)))
  url.username = role
  url.password = role

  const database = await openServerDatabase({ url: url.href })
  t.teardown(() => database.close())
  const at = new Date('2031-07-01T12:30:15.125Z')
  const user = { id: randomUUID(), email: 'a@b', emailKey: 'a@b', passwordHash: 'none', createdAt: at }
  await database.run((prisma) => prisma.user.create({ data: user }))
  const read = await database.run((prisma) => prisma.user.findUniqueOrThrow({ where: { id: user.id } }))
  t.equal(read.createdAt.toISOString(), at.toISOString(), 'Prisma reads the same time')
  const [stored] = await sql<{ epoch: number }>(
    database,
    'SELECT extract(epoch FROM "created_at")::float8 AS "epoch" FROM "user"'
  )
  t.equal(stored?.epoch, at.getTime() / 1000, 'the same time is stored')
  await sql(database, `UPDATE "user" SET "created_at" = TIMESTAMPTZ '2031-07-01 12:30:15.125+00'`)
  const [raw] = await sql<{ created_at: Date }>(database, 'SELECT "created_at" FROM "user"')
  t.equal(raw?.created_at.toISOString(), at.toISOString(), 'raw SQL reads the same time')
})

t.test('opening succeeds while another process creates the same schema', onlyWithServer, async (t) => {
  const url = await testSchema(t)
  await onServer(async (other) => {
    await other.query(`BEGIN; CREATE SCHEMA ${new URL(url).searchParams.get('schema')}`)
    const opening = openServerDatabase({ url })
    const waits = 'SELECT 1 FROM pg_locks WHERE NOT "granted" AND "transactionid" = pg_current_xact_id()::xid'
    let waiting = false
    while (!waiting) waiting = (await other.query(waits)).rowCount === 1
    await other.query('COMMIT')
    await (await opening).close()
  })
})

t.test('every connection has a name, UTC and time-outs', onlyWithServer, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server' })
  const names = [
    'application_name',
    'TimeZone',
    'statement_timeout',
    'lock_timeout',
    'idle_in_transaction_session_timeout'
  ]
  const values = await Promise.all(
    names.map(async (name) => {
      const [row] = await sql<{ value: string }>(database, 'SELECT current_setting($1) AS "value"', name)
      return row?.value
    })
  )
  t.same(values, ['latchkey', 'UTC', '4s', '2s', '6s'])
})

t.test('a slow statement times out, and its transaction stores nothing', onlyWithServer, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server', server: { statementTimeoutSeconds: 0.1 } })
  const slow = database.run((prisma) =>
    prisma.$transaction(async (transaction) => {
      await transaction.$executeRaw`INSERT INTO "event" ("type") VALUES ('x')`
      await transaction.$executeRaw`SELECT pg_sleep(60)`
    })
  )
  await t.rejects(slow, Unavailable)
  t.same(await sql(database, 'SELECT * FROM "event"'), [])
})

t.test('a connection that hangs in mid-transaction is never used again', onlyWithServer, async (t) => {
  const database = await openTestDatabase(t, {
    kind: 'server',
    server: { statementTimeoutSeconds: 0.1, poolSize: 1 }
  })
  const hanging = database.run((prisma) =>
    prisma.$transaction(async (transaction) => {
      await transaction.$executeRaw`SET LOCAL statement_timeout = 0`
      await transaction.$executeRaw`SELECT pg_sleep(20)`
    })
  )
  await t.rejects(hanging, Unavailable)
  t.same(await sql(database, 'SELECT 1 AS "one"'), [{ one: 1 }])
})

t.test('a connection that the server closed is replaced', onlyWithServer, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server', server: { poolSize: 1 } })
  await t.rejects(sql(database, 'SELECT pg_terminate_backend(pg_backend_pid())'), Unavailable)
  const inTransaction = database.run((prisma) =>
    prisma.$transaction((transaction) => transaction.$queryRaw`SELECT pg_terminate_backend(pg_backend_pid())`)
  )
  await t.rejects(inTransaction, Unavailable)
  t.same(await sql(database, 'SELECT 1 AS "one"'), [{ one: 1 }])
})

t.test('the pool recovers by itself after the server was away', onlyWithServer, async (t) => {
  const relay = await startRelay(t, await testSchema(t))
  const database = await openServerDatabase({ url: relay.url })
  t.teardown(() => database.close())
  const ping = () => sql(database, 'SELECT 1 AS "one"')
  const pingInTransaction = () =>
    database.run((prisma) => prisma.$transaction((transaction) => transaction.$queryRaw`SELECT 1`))

  relay.cut()
  await t.rejects(ping(), Unavailable)
  await t.rejects(pingInTransaction(), Unavailable)
  await t.rejects(
    database.run((prisma) => prisma.user.count()),
    Unavailable
  )
  relay.restore()
  t.same(await ping(), [{ one: 1 }])
})

t.test('an exhausted pool refuses at once', onlyWithServer, async (t) => {
  const database = await openTestDatabase(t, {
    kind: 'server',
    server: { poolSize: 2, maxWaiting: 3, waitSeconds: 1 }
  })
  const sleepers = [0, 1].map(() => sql(database, 'SELECT 1 FROM pg_sleep(0.3)'))
  const waiters = [0, 1, 2].map(() => sql(database, 'SELECT 1'))
  await t.rejects(sql(database, 'SELECT 1'), Unavailable)
  await Promise.all([...sleepers, ...waiters])
})
