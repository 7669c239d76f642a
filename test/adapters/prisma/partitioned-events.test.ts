import { readFileSync } from 'node:fs'
import t from 'tap'
import { purgeExpired } from '../../../src/adapters/prisma/sql/purge/purge.js'
import { testEndings } from '../../contract/ending-sessions.js'
import { testEvents } from '../../contract/event-log.js'
import { addUser, eventsOf, login } from '../../contract/stores.js'
import { testUsers } from '../../contract/user-store.js'
import { storesOver } from '../../support/adapters/stores.js'
import { onServer, openTestDatabase, serverUrl, sql } from '../../support/database.js'

const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'
const [before = '', atOnce = '', monthly = ''] = readFileSync('docs/event-log.md', 'utf8')
  .split('```')
  .filter((block) => block.startsWith('sql\n'))
  .map((block) => block.slice('sql\n'.length))

t.test('events live on while their table is split by month, as docs/event-log.md says', { skip }, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server', server: { waitSeconds: 20, poolSize: 6 } })
  const stores = { ...storesOver(database), rounds: 20 }
  const user = await addUser(stores)
  const session = await login(stores, user)
  await stores.sessions.end({ sid: session.id }, 'logged_out', {})
  const events = await eventsOf(stores, { userId: user.id })

  const [row] = await sql<{ schema: string }>(database, 'SELECT current_schema()::text AS schema')
  await onServer(async (client) => {
    await client.query(`SET search_path = ${row?.schema}`)
    const statements = before.split(';').filter((statement) => statement.trim() !== '')
    for (const statement of statements) await client.query(statement)
    await client.query(`BEGIN; ${atOnce}; COMMIT`)
  })
  t.strictSame(await eventsOf(stores, { userId: user.id }), events)
  t.match(await stores.events.endingOf(session.id), { reason: 'logged_out' })
  const later = await login(stores, user)
  t.equal((await eventsOf(stores, { sessionId: later.id })).length, 1)

  for (const test of [testEvents, testEndings, testUsers]) t.test(test.name, async (t) => test(t, stores))

  t.test('the purge removes old events of all partitions', async (t) => {
    await sql(database, 'DELETE FROM event')
    await sql(
      database,
      `INSERT INTO event (type, at) SELECT 'login_succeeded', at::timestamptz FROM unnest($1::text[]) at`,
      ['2020-01-01Z', '2020-01-02Z', '2999-01-01Z']
    )
    t.match(await purgeExpired(database, { batch: 10, eventRetentionSeconds: 1e6 }), { events: 2 })
  })

  t.test('old months go with their table, and a later month has one', async (t) => {
    const add = (at: string) =>
      sql(database, `INSERT INTO event (type, at) VALUES ('login_succeeded', $1::timestamptz)`, at)
    await sql(database, 'DELETE FROM event')
    await add('2026-12-01Z')
    await onServer((client) => client.query(`SET search_path = ${row?.schema}; ${monthly}`))
    await add('2027-02-10Z')
    t.same(await sql(database, 'SELECT tableoid::regclass::text AS table FROM event'), [{ table: 'event_2027_02' }])
    t.ok(await login(stores, await addUser(stores)), 'logins go on')
  })
})
