import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { openServerDatabase } from '../../../src/adapters/prisma/server/server-database.js'
import { purgeRegistrations } from '../../../src/adapters/prisma/sql/purge/purge-registrations.js'
import { rotationStatements } from '../../../src/adapters/prisma/sql/rotate.js'
import { maxCountedRevoked } from '../../../src/core/vocabulary.js'
import type { LiveSession } from '../../../src/ports/sessions.js'
import { addUser, attempt, login, policy, replacementOf, tryLogin } from '../../contract/stores.js'
import { storesOver } from '../../support/adapters/stores.js'
import { onServer, serverUrl, sql, testSchema } from '../../support/database.js'

t.setTimeout(3_600_000)

/** Sessions of one user, and rows in each table; MANY_ROWS=10000000 for the large run. */
const ofOneUser = 1_000_000
const rows = Math.max(Number(process.env.MANY_ROWS ?? 0), ofOneUser)
const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'

/** The highest value of MAX_SESSIONS_PER_USER. */
const maxSessionsOfUser = 10_000

t.test('with a million sessions of one user, every operation reads a bounded number of rows', { skip }, async (t) => {
  const url = await testSchema(t)
  // One connection, because each connection reports its own counts. Time-outs are those of production.
  const database = await openServerDatabase({ url, poolSize: 1 })
  t.teardown(() => database.close())
  const stores = storesOver(database)
  const { sessions, users, events } = stores
  const user = await addUser(stores)
  await fill(url, user.id)

  const own = await login(stores, user, { maxPerUser: 2 * ofOneUser })
  const stranger = await login(stores, await addUser(stores))
  const [middle] = await sql<{ at: number; id: string }>(
    database,
    `SELECT (extract(epoch FROM created_at) * 1000)::float8 AS at, id::text FROM session WHERE user_id = $1::uuid
     ORDER BY created_at, id OFFSET 1000 LIMIT 1`,
    user.id
  )
  const cursor = Buffer.from(`sessions:${middle?.at}:${middle?.id}`).toString('base64url')
  const readsAtMost = rowCounter(t, database)

  await readsAtMost('a refresh', 10, async () => t.ok(await sessions.rotate(attempt(own))))
  await readsAtMost('a refresh of a session among few', 10, async () => t.ok(await sessions.rotate(attempt(stranger))))
  await t.test('refreshes by plans that are kept for all values', async () => {
    const { one, many } = rotationStatements(database, { ...policy, graceSeconds: 0 })
    const newest = async (session: LiveSession) => attempt((await sessions.find(session.id)) ?? session)
    // The server keeps a plan from the sixth run on.
    for (let run = 0; run < 10; run++) {
      for (const session of [own, stranger]) await one(await newest(session))
      await many([await newest(own), await newest(stranger)])
    }
    const [first, second] = [await newest(own), await newest(stranger)]
    await readsAtMost('a refresh', 10, async () => t.ok(await one(first)))
    await readsAtMost('a batch of refreshes', 20, async () => t.match(await many([second]), [{}]))
  })
  await readsAtMost('find of one session', 10, async () => t.ok(await sessions.find(own.id)))
  await readsAtMost('a rename', 10, async () => t.ok(await sessions.rename(own.id, user.id, 'phone')))
  await readsAtMost('a touch', 10, async () => sessions.touch(own.id))
  await readsAtMost('a listing of one’s own sessions', maxSessionsOfUser, async () =>
    t.equal((await sessions.listOfUser(user.id)).length, maxSessionsOfUser)
  )
  const page = { limit: 200 }
  await readsAtMost('a page of all sessions', 250, async () =>
    t.equal((await sessions.list({}, page)).items.length, 200)
  )
  await readsAtMost('a page of the sessions of one user', 250, async () =>
    t.equal((await sessions.list({ userId: user.id }, page)).items.length, 200)
  )
  await readsAtMost('a page far down that listing', 250, async () =>
    t.equal((await sessions.list({ userId: user.id }, { ...page, cursor })).items.length, 200)
  )
  await readsAtMost('a page of the sessions of one address', 250, async () =>
    t.equal((await sessions.list({ ip: '192.0.2.200' }, page)).items.length, 200)
  )
  await readsAtMost('a page of users', 250, async () => t.equal((await users.list({}, page)).items.length, 200))
  for (const [name, filter] of Object.entries({
    'all events': {},
    'the events of one type': { type: 'login_succeeded' },
    'the events of one user': { userId: user.id }
  } as const)) {
    await readsAtMost(`a page of ${name}`, 1000, async () =>
      t.equal((await events.list(filter, page)).items.length, 200)
    )
  }
  await readsAtMost('why a session ended', 10, async () => void (await events.endingOf(randomUUID())))
  await readsAtMost('the end of one session', 10, async () =>
    t.ok(await sessions.end({ sid: stranger.id, userId: stranger.userId }, 'revoked_by_user', {}))
  )
  await readsAtMost('the end of one session of the user', 10, async () =>
    t.ok(await sessions.end({ sid: own.id, userId: user.id }, 'revoked_by_user', {}))
  )

  await readsAtMost('a purge of registrations', 1000, () => purgeRegistrations(database, 100))

  await t.test('a login after the limit was lowered ends a bounded number of sessions', async (t) => {
    const before = await sessionsOf(database, user.id)
    await readsAtMost('a login', 2 * maxSessionsOfUser, async () => {
      const created = await tryLogin(stores, user, { maxPerUser: 100 })
      t.not(created, 'user_changed')
    })
    const ended = before + 1 - (await sessionsOf(database, user.id))
    t.ok(ended > 0 && ended <= 1000, `${ended} ended`)
  })

  await t.test('a password change ends all other sessions, in batches that are quick', async (t) => {
    const kept = await login(stores, user, { maxPerUser: 2 * ofOneUser })
    const change = { userId: user.id, oldHash: user.passwordHash, newHash: 'another', replacement: replacementOf(kept) }
    t.ok(await users.changePassword(change, {}))
    t.equal(await sessionsOf(database, user.id), 1)
    t.ok(await sessions.find(change.replacement.id))
  })
})

t.test("after the end of everybody's sessions, operations do not read the rows that are left", { skip }, async (t) => {
  const url = await testSchema(t)
  const database = await openServerDatabase({ url, poolSize: 1 })
  t.teardown(() => database.close())
  const stores = storesOver(database)
  const { sessions } = stores
  const user = await addUser(stores)
  await fill(url, user.id, maxCountedRevoked + 100_000)
  const readsAtMost = rowCounter(t, database)
  const counted = maxCountedRevoked + 10
  await readsAtMost('the end of everybody', counted, async () =>
    t.match(await sessions.endAll({}), { count: maxCountedRevoked })
  )
  const live = await login(stores, user)
  for (const [name, filter] of Object.entries({ all: {}, user: { userId: user.id }, address: { ip: '192.0.2.1' } })) {
    await readsAtMost(`a page of sessions (${name})`, 50, async () =>
      t.match((await sessions.list(filter, { limit: 200 })).items, [{ id: live.id }])
    )
  }
  await readsAtMost('a count', 50, async () => t.equal(await sessions.count(10_000), 1))
  await readsAtMost('a listing of one’s own sessions', 50, async () =>
    t.match(await sessions.listOfUser(user.id), [{ id: live.id }])
  )
  await readsAtMost('the next end of everybody', 50, async () => t.match(await sessions.endAll({}), { count: 1 }))
})

/** Creates `count` sessions, the first million of one user, and as many events, by fast inserts. */
async function fill(url: string, userId: string, count = rows): Promise<void> {
  const schema = new URL(url).searchParams.get('schema')
  await onServer(async (client) => {
    await client.query(`SET search_path TO ${schema}; SET synchronous_commit TO off`)
    await client.query(
      `INSERT INTO "user" (id, email, email_key, password_hash, created_at)
       SELECT gen_random_uuid(), 'filler-' || n, 'filler-' || n, 'none', now() - n * interval '1 second'
       FROM generate_series(1, 20000) n;
       INSERT INTO registration (email_key, password_hash, expires_at)
       SELECT 'filler-' || n, 'none', now() FROM generate_series(1, 10000) n`
    )
    await client.query(
      `CREATE TEMPORARY TABLE others AS SELECT (row_number() OVER () - 1)::int AS place, id FROM "user" WHERE email LIKE 'filler-%'`
    )
    const batch = 100_000
    for (let from = 0; from < count; from += batch) {
      const owner = from < ofOneUser ? `'${userId}'::uuid` : 'others.id'
      const source = 'generate_series($1::int, $2::int) n JOIN others ON others.place = n % 20000'
      await client.query(
        `INSERT INTO session (id, user_id, secret_hash, mode, ip, created_at, idle_expires_at, absolute_expires_at)
         SELECT gen_random_uuid(), ${owner}, 'none', 'body', '192.0.2.' || (n % 250),
           now() - n * interval '1 millisecond', now() + interval '1 day', now() + interval '1 day' FROM ${source}`,
        [from + 1, from + batch]
      )
      await client.query(
        `INSERT INTO event (type, user_id, session_id)
         SELECT (ARRAY['login_succeeded', 'session_ended', 'refresh_recovered'])[1 + n % 3], ${owner}, gen_random_uuid()
         FROM ${source}`,
        [from + 1, from + batch]
      )
    }
    await client.query('ANALYZE')
  })
}

async function sessionsOf(database: Database, userId: string): Promise<number> {
  const [row] = await sql<{ count: number }>(
    database,
    'SELECT count(*)::float8 AS count FROM session WHERE user_id = $1::uuid',
    userId
  )
  return row?.count ?? Number.NaN
}

/** Returns a function that runs an operation and checks that it read at most `max` rows. It measures no times. */
function rowCounter(t: Test, database: Database) {
  const read = async () => {
    await sql(database, 'SELECT pg_stat_force_next_flush()::text')
    const [counts] = await sql<{ rows: number; scans: number; blocks: number }>(
      database,
      `SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::float8 AS rows,
         sum(s.seq_scan) FILTER (WHERE s.relname IN ('session', 'event', 'user'))::float8 AS scans,
         sum(coalesce(heap_blks_read, 0) + coalesce(heap_blks_hit, 0) + coalesce(idx_blks_read, 0) + coalesce(idx_blks_hit, 0))::float8 AS blocks
       FROM pg_stat_user_tables s JOIN pg_statio_user_tables USING (relid)
       WHERE s.schemaname = current_schema()`
    )
    return counts ?? { rows: Number.NaN, scans: Number.NaN, blocks: Number.NaN }
  }

  return async (name: string, max: number, operation: () => Promise<unknown>) => {
    const before = await read()
    await operation()
    const after = await read()
    const [rows, scans, blocks] = [after.rows - before.rows, after.scans - before.scans, after.blocks - before.blocks]
    t.ok(rows <= max * 1.1 && scans === 0, `${name} reads ${rows} rows in ${blocks} blocks, and scans no table`)
  }
}
