import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { purgeExpired } from '../../../src/adapters/prisma/sql/purge/purge.js'
import { prismaSessionStore } from '../../../src/adapters/prisma/stores/session-store.js'
import { testEndings } from '../../contract/ending-sessions.js'
import { testEvents } from '../../contract/event-log.js'
import { testListings } from '../../contract/listings.js'
import { testReplacements } from '../../contract/replacement.js'
import { testRotation } from '../../contract/rotation.js'
import { testSessions } from '../../contract/session-store.js'
import { addUser, attempt, login, policy, reread } from '../../contract/stores.js'
import { testUsers } from '../../contract/user-store.js'
import { storesOver } from '../../support/adapters/stores.js'
import { age, onServer, openTestDatabase, serverUrl, sql } from '../../support/database.js'
import { anotherDevice, newPerson } from '../../support/http/people.js'
import { openService } from '../../support/service.js'

const onlyWithServer = serverUrl === undefined ? { skip: 'TEST_DATABASE_URL is not set' } : {}
const script = readFileSync('scripts/partition-sessions.sql', 'utf8')

/** Does what the script's first comment says. */
async function partition(database: Database): Promise<void> {
  const [row] = await sql<{ schema: string }>(database, 'SELECT current_schema()::text AS schema')
  await onServer(async (client) => {
    await client.query(`BEGIN; SET LOCAL search_path = ${row?.schema}`)
    await client.query(script)
    await client.query('COMMIT')
  })
}

t.test('the partitioned table has the columns, indexes and constraints of the whole one', onlyWithServer, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server' })
  const read = () =>
    sql(
      database,
      `SELECT attname || ' ' || format_type(atttypid, atttypmod) || attnotnull || coalesce(pg_get_expr(adbin, adrelid), '')
         AS part
       FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
       WHERE attrelid = 'session'::regclass AND attnum > 0 AND NOT attisdropped
       UNION ALL SELECT replace(pg_get_indexdef(indexrelid), 'ON ONLY', 'ON') FROM pg_index WHERE indrelid = 'session'::regclass
       UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'session'::regclass
       ORDER BY part`
    )
  const whole = await read()
  await partition(database)
  t.strictSame(await read(), whole, 'a migration of session changes scripts/partition-sessions.sql too')
  const partitions = await sql<{ reloptions: string[] }>(
    database,
    `SELECT reloptions FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'session'::regclass`
  )
  t.same(partitions, Array(16).fill({ reloptions: ['fillfactor=80'] }))
})

t.test('the stores keep their promises on a partitioned table', onlyWithServer, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server', server: { waitSeconds: 20, poolSize: 6 } })
  await partition(database)
  const stores = { ...storesOver(database), rounds: 20 }
  for (const test of [testSessions, testRotation, testReplacements, testEndings, testListings, testUsers, testEvents]) {
    t.test(test.name, async (t) => test(t, stores))
  }
})

t.test('sessions live on while their table is partitioned, and end', onlyWithServer, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server' })
  const app = await openService(t, database, { REFRESH_GRACE_SECONDS: '0' })
  const first = await newPerson(app, 'body')
  const [expired, late] = [await anotherDevice(app, first, 'body'), await anotherDevice(app, first, 'cookie')]
  await partition(database)

  const refresh = ({ client }: typeof first) =>
    client.send('POST', '/refresh', { bearer: false, payload: { refresh_token: client.refreshToken } })
  for (let i = 0; i < 5; i += 1) t.equal((await refresh(first)).statusCode, 200)
  const added = await anotherDevice(app, first, 'body')
  t.equal((await refresh(added)).statusCode, 200)
  t.equal((await added.client.send('POST', '/logout')).statusCode, 204)
  t.equal((await refresh(added)).statusCode, 401)

  await age(database, expired.client.sessionId, 10 ** 8)
  const options = { batch: 2, eventRetentionSeconds: 10 ** 9 }
  const walked = await purgeExpired(database, options)
  const rest = await purgeExpired(database, { ...options, after: walked.next ?? undefined })
  t.equal(walked.sessions + rest.sessions, 1)
  t.equal((await refresh(expired)).statusCode, 401)
  t.equal((await late.client.send('GET', '/me')).statusCode, 200)
})

t.test('no refresh of a partitioned table writes to an index', onlyWithServer, async (t) => {
  // One connection, because each connection reports its own counts.
  const database = await openTestDatabase(t, { kind: 'server', server: { poolSize: 1 } })
  await partition(database)
  const stores = storesOver(database)
  const strict = prismaSessionStore(database, { ...policy, graceSeconds: 0 }, 64)
  const user = await addUser(stores)
  for (let i = 0; i < 8; i += 1) {
    const session = await login(stores, user)
    for (let j = 0; j < 10; j += 1) t.ok(await strict.rotate(attempt(await reread(stores, session))))
  }
  await sql(database, 'SELECT pg_stat_force_next_flush()::text')
  const [counts] = await sql<{ updated: number; hot: number; several: boolean }>(
    database,
    `SELECT sum(n_tup_upd)::int AS updated, sum(n_tup_hot_upd)::int AS hot, count(*) FILTER (WHERE n_tup_upd > 0) > 1 AS several
     FROM pg_stat_user_tables JOIN pg_inherits ON inhrelid = relid WHERE inhparent = 'session'::regclass`
  )
  t.match(counts, { updated: 80, several: true })
  // While a transaction of another test keeps old rows alive, a page may be full: then an update has to leave it.
  t.ok(Number(counts?.hot) >= 70, `${counts?.hot} of 80`)
})
