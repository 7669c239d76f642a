import { randomUUID } from 'node:crypto'
import t from 'tap'
import { query } from '../../../../src/adapters/prisma/database.js'
import { openServerDatabase } from '../../../../src/adapters/prisma/server/server-database.js'
import { tables } from '../../../../src/adapters/prisma/tables.js'
import { Unavailable } from '../../../../src/ports/errors.js'
import { onServer, openTestDatabase, sql, testDatabases, testSchema } from '../../../support/database.js'
import { startRelay } from '../../../support/faults/relay.js'

const onlyWithServer = testDatabases(t).includes('server') ? {} : { skip: 'needs TEST_DATABASE_URL' }

function withoutOptions(url: string): string {
  const plain = new URL(url)
  plain.searchParams.delete('options')
  return plain.href
}

t.test('a server that cannot be reached makes openServerDatabase throw CannotStart', async (t) => {
  const url = 'postgresql://nobody@127.0.0.1:1/nowhere'
  await t.rejects(openServerDatabase({ url }), {
    name: 'CannotStart',
    message: /^DATABASE_URL: 127\.0\.0\.1:1 refuses/
  })
})

t.test('tables and times are right for a role with another search_path and time zone', onlyWithServer, async (t) => {
  const role = `latchkey_${randomUUID().replaceAll('-', '')}`
  const url = new URL(await testSchema(t))
  await onServer(async (client) => {
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`)
    await client.query(`ALTER ROLE ${role} SET timezone TO 'Asia/Kolkata'`)
    await client.query(`ALTER ROLE ${role} SET search_path TO elsewhere`)
    await client.query(`CREATE SCHEMA ${url.searchParams.get('schema')} AUTHORIZATION ${role}`)
  })
  t.teardown(() => onServer((client) => client.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`)))
  url.username = role
  url.password = role
  url.searchParams.delete('options')

  const database = await openServerDatabase({ url: url.href })
  t.teardown(() => database.close())
  const setting = query<{ zone: string; path: string }>(database)
  t.same(await setting`SELECT current_setting('TimeZone') AS zone, current_setting('search_path') AS path`, [
    { zone: 'Asia/Kolkata', path: 'elsewhere' }
  ])
  const at = new Date('2031-07-01T12:30:15.125Z')
  const user = { id: randomUUID(), email: 'a@b', emailKey: 'a@b', passwordHash: 'none', createdAt: at }
  const created = await database.run((prisma) => prisma.user.create({ data: user }))
  t.equal(created.createdAt.toISOString(), at.toISOString(), 'Prisma reads the same time')
  const found = await database.run((prisma) => prisma.user.findFirst({ where: { createdAt: { in: [at] } } }))
  t.equal(found?.id, user.id, 'Prisma finds a row by its time')
  const epoch = query<{ epoch: number }>(database)
  t.same(await epoch`SELECT extract(epoch FROM created_at)::float8 AS epoch FROM ${tables.user}`, [
    { epoch: at.getTime() / 1000 }
  ])
  const times = query<{ created_at: number; disabled_at: null }>(database)
  const [raw] = await times`SELECT created_at, disabled_at FROM ${tables.user} WHERE created_at = ${at}`
  t.equal(raw?.created_at, at.getTime(), 'raw SQL reads the same time')
  t.equal(raw?.disabled_at, null)
})

t.test('a default of the sessions with which statements fail is named at start', onlyWithServer, async (t) => {
  const url = await testSchema(t)
  for (const [setting, fault] of [
    ['DateStyle=German', /^DATABASE_URL: .* DateStyle = "German, .*ALTER ROLE "\w+" SET DateStyle = 'ISO'\.$/],
    ['default_transaction_isolation=serializable', /default_transaction_isolation = "serializable"/]
  ] as const) {
    const options = `&options=-c%20${encodeURIComponent(setting)}`
    await t.rejects(openServerDatabase({ url: `${withoutOptions(url)}${options}` }), {
      name: 'CannotStart',
      message: fault
    })
  }
})

t.test('each transaction is READ COMMITTED, whatever the default becomes later', onlyWithServer, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server', server: { poolSize: 1 } })
  await query(database)`SELECT set_config('default_transaction_isolation', 'repeatable read', false)`
  const [, [row]] = await database.run((prisma) =>
    prisma.$transaction([
      prisma.$queryRaw`SELECT 1`,
      prisma.$queryRaw<{ level: string }[]>`SELECT current_setting('transaction_isolation') AS level`
    ])
  )
  t.equal(row?.level, 'read committed')
})

t.test('a time that cannot be read is an error, and not NaN', onlyWithServer, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server', server: { poolSize: 1 } })
  await query(database)`SELECT set_config('DateStyle', 'German', false)`
  await t.rejects(query(database)`SELECT now() AS at`, { name: 'Unavailable', message: /DateStyle must be ISO/ })
})

t.test(
  'DATABASE_DIRECT_URL of another database is refused, and nothing is changed there',
  onlyWithServer,
  async (t) => {
    const other = `latchkey_${randomUUID().replaceAll('-', '')}`
    const url = await testSchema(t)
    const directUrl = Object.assign(new URL(url), { pathname: `/${other}` }).href
    await onServer((client) => client.query(`CREATE DATABASE ${other}`))
    t.teardown(() => onServer((client) => client.query(`DROP DATABASE ${other} WITH (FORCE)`)))
    await t.rejects(openServerDatabase({ url, directUrl }), {
      name: 'CannotStart',
      message: /^DATABASE_DIRECT_URL leads to another database than DATABASE_URL/
    })
    const schemas = await onServer(
      (client) => client.query("SELECT FROM pg_namespace WHERE nspname LIKE 'test%'"),
      Object.assign(new URL(withoutOptions(url)), { pathname: `/${other}`, search: '' }).href
    )
    t.equal(schemas.rowCount, 0)
  }
)

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

t.test('every connection has a name and time-outs', onlyWithServer, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server' })
  const names = ['application_name', 'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']
  const values = await Promise.all(
    names.map(async (name) => {
      const [row] = await sql<{ value: string }>(database, 'SELECT current_setting($1) AS "value"', name)
      return row?.value
    })
  )
  t.same(values, ['latchkey', '4s', '2s', '6s'])
})

t.test('a slow statement times out, and its transaction stores nothing', onlyWithServer, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server', server: { statementTimeoutSeconds: 0.1 } })
  const slow = database.run((prisma) =>
    prisma.$transaction(async (transaction) => {
      await transaction.$executeRaw`INSERT INTO ${tables.event} ("type") VALUES ('x')`
      await transaction.$executeRaw`SELECT pg_sleep(60)`
    })
  )
  await t.rejects(slow, Unavailable)
  t.same(await sql(database, 'SELECT * FROM "event"'), [])
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
