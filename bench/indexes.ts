import { randomUUID } from 'node:crypto'
import type { Database } from '../src/adapters/prisma/database.js'
import { openServerDatabase } from '../src/adapters/prisma/server/server-database.js'
import { purgeExpired } from '../src/adapters/prisma/sql/purge/purge.js'
import { prismaEventLog } from '../src/adapters/prisma/stores/event-log.js'
import { prismaSessionStore } from '../src/adapters/prisma/stores/session-store.js'
import { prismaUserStore } from '../src/adapters/prisma/stores/user-store.js'
import { policy } from '../test/contract/stores.js'
import { onServer, serverUrl, sql } from '../test/support/database.js'
import { printMachine } from './service.js'

/**
 * What the indexes of the largest tables take, which operations read them, and how long a listing of admins takes without
 * its index. Uses the server of TEST_DATABASE_URL, and needs 2 GB there for a million sessions.
 *
 *   node scripts/compile.js && node build/bench/indexes.js 1000000
 */
const sessions = Number(process.argv[2] ?? 1_000_000)
const users = sessions / 10
const schema = 'bench_indexes'

const userAgent =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1'

/** Sessions of two weeks in the order of their logins, and two events for each. */
const fill = [
  `INSERT INTO "user" (id, email, email_key, password_hash, created_at)
   SELECT gen_random_uuid(), name, name, '$2b$12$' || repeat('x', 53), now() - i * interval '1 minute'
   FROM generate_series(1, ${users}) i, LATERAL (SELECT 'person' || i || '@example.com' AS name) n`,
  `CREATE TABLE numbered AS SELECT id, (row_number() OVER ())::int AS n FROM "user"; CREATE INDEX ON numbered (n)`,
  ...Array.from(
    { length: 10 },
    (_, part) => `
      INSERT INTO session (id, user_id, secret_hash, mode, user_agent, ip, amr, created_at, idle_expires_at, absolute_expires_at)
      SELECT gen_random_uuid(), u.id, encode(sha256(i::text::bytea), 'hex'), 'body', '${userAgent}',
        concat_ws('.', 10, i % 251, i % 241, i % 239), '{pwd}',
        now() - interval '14 days' + i * interval '14 days' / ${sessions}, now() + interval '7 days', now() + interval '80 days'
      FROM generate_series(${(part * sessions) / 10 + 1}, ${((part + 1) * sessions) / 10}) i
      JOIN numbered u ON u.n = 1 + (i::bigint * 7919) % ${users} ORDER BY i`
  ),
  `INSERT INTO event (type, at, user_id, session_id, ip, user_agent)
   SELECT type, s.created_at, s.user_id, s.id, s.ip, s.user_agent
   FROM session s, unnest(ARRAY['login_succeeded', 'session_ended']) type ORDER BY s.created_at`,
  'DROP TABLE numbered',
  'ANALYZE'
]

const indexScans = async (database: Database) => {
  await sql(database, 'SELECT pg_stat_force_next_flush()::text')
  const rows = await sql<{ name: string; scans: number; bytes: number }>(
    database,
    `SELECT indexrelname AS name, idx_scan::float8 AS scans, pg_relation_size(indexrelid)::float8 AS bytes
     FROM pg_stat_user_indexes WHERE schemaname = '${schema}' AND relname IN ('session', 'event', 'user') ORDER BY bytes DESC`
  )
  return new Map(rows.map(({ name, ...rest }) => [name, rest]))
}

async function main(url: string): Promise<void> {
  const address = new URL(url)
  address.searchParams.set('schema', schema)
  // One connection, because each connection reports its own counts.
  const database = await openServerDatabase({ url: address.href, poolSize: 1, statementTimeoutSeconds: 600 })
  for (const statement of fill) {
    await onServer(async (client) => client.query(`SET search_path = ${schema}; ${statement}`))
  }
  const stores = {
    sessions: prismaSessionStore(database, { ...policy, graceSeconds: 0 }, 64),
    users: prismaUserStore(database, policy),
    events: prismaEventLog(database)
  }
  const [one] = await sql<{ id: string; userId: string; secretHash: string; ip: string; email: string; hash: string }>(
    database,
    `SELECT s.id, s.user_id AS "userId", s.secret_hash AS "secretHash", s.ip, u.email_key AS email, u.password_hash AS hash
     FROM session s JOIN "user" u ON u.id = s.user_id OFFSET ${Math.floor(sessions / 2)} LIMIT 1`
  )
  if (one === undefined) throw new Error('There is no session.')
  const { id, userId, secretHash, ip, email, hash: passwordHash } = one
  const device = { mode: 'body', device: null, userAgent, ip, amr: ['pwd'] } as const
  const lives = { idleTtlSeconds: 1e6, absoluteTtlSeconds: 1e6 }
  const page = { limit: 50 }
  const operations = {
    refresh: () => stores.sessions.rotate({ sid: id, generation: 0, secretHash, retryKeyHash: null }),
    login: () =>
      stores.sessions.create(
        { ...device, ...lives, id: randomUUID(), userId, secretHash },
        { passwordHash, maxPerUser: 100 },
        {}
      ),
    'user by e-mail': () => stores.users.findByEmail({ address: email, key: email, olderKey: email }),
    logout: () => stores.sessions.end({ sid: id }, 'logged_out', {}),
    'why a session ended': () => stores.events.endingOf(id),
    'sessions of a user': () => stores.sessions.listOfUser(userId),
    'events of a user': () => stores.events.list({ userId }, page),
    purge: () => purgeExpired(database, { batch: 1000, eventRetentionSeconds: 1e7 }),
    'admin: sessions': () => stores.sessions.list({}, page),
    'admin: sessions of an address': () => stores.sessions.list({ ip }, page),
    'admin: users': () => stores.users.list({}, page),
    'admin: users by their e-mail': () => stores.users.list({ emailPrefix: 'person9876' }, page),
    'admin: events of a type': () => stores.events.list({ type: 'user_disabled' }, page)
  }
  const timed = async (operation: () => Promise<unknown>) => {
    const began = performance.now()
    await operation()
    return Math.round(performance.now() - began)
  }
  const run = async (name: string, operation: () => Promise<unknown>) => {
    const before = await indexScans(database)
    const milliseconds = await timed(operation)
    const read = [...(await indexScans(database))].filter(
      ([index, { scans }]) => scans > (before.get(index)?.scans ?? 0)
    )
    console.log(`${name}: ${milliseconds} ms, reads ${read.map(([index]) => index).join(', ')}`)
  }
  for (const [name, operation] of Object.entries(operations)) await run(name, operation)
  for (const [name, { bytes }] of await indexScans(database)) console.log(`${name}: ${(bytes / 1e6).toFixed(0)} MB`)
  for (const [index, name] of [
    ['session_ip', 'admin: sessions of an address'],
    ['session_created', 'admin: sessions'],
    ['user_created', 'admin: users'],
    ['user_email_prefix', 'admin: users by their e-mail'],
    ['event_type', 'admin: events of a type'],
    ['event_at', 'purge']
  ] as const) {
    const [row] = await sql<{ create: string }>(database, `SELECT pg_get_indexdef('${index}'::regclass) AS create`)
    await sql(database, `DROP INDEX ${index}`)
    console.log(`${name} without ${index}: ${await timed(operations[name])} ms`)
    await onServer((client) => client.query(row?.create ?? ''))
  }
  // No listing finds a session afterwards.
  await run("end of everybody's sessions", () => stores.sessions.endAll({}))
  await onServer((client) => client.query(`DROP SCHEMA ${schema} CASCADE`))
  await database.close()
}

if (serverUrl === undefined) throw new Error('TEST_DATABASE_URL is not set.')
printMachine()
await main(serverUrl)
