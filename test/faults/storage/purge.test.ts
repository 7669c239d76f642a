import { performance } from 'node:perf_hooks'
import t from 'tap'
import { purgeExpired } from '../../../src/adapters/prisma/sql/purge/purge.js'
import { openTestDatabase, serverUrl, sql } from '../../support/database.js'

t.setTimeout(600_000)

const rows = 100_000
const batch = 1000
const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'

t.test('a hundred thousand expired rows are removed in small batches, each of which is quick', { skip }, async (t) => {
  const database = await openTestDatabase(t, { kind: 'server' })
  await sql(
    database,
    `INSERT INTO "user" (id, email, email_key, password_hash) VALUES (gen_random_uuid(), 'a@b', 'a@b', 'none')`
  )
  for (let part = 0; part < 10; part += 1) {
    await sql(
      database,
      `INSERT INTO session (id, user_id, secret_hash, mode, idle_expires_at, absolute_expires_at)
       SELECT gen_random_uuid(), u.id, 'none', 'body', now() - interval '1 hour', now() + interval '1 day'
       FROM "user" u, generate_series(1, $1::int)`,
      rows / 10
    )
    await sql(
      database,
      `INSERT INTO revocation (sid, reason, expires_at)
       SELECT gen_random_uuid(), 'logged_out', now() - interval '1 hour' FROM generate_series(1, $1::int)`,
      rows / 10
    )
    await sql(
      database,
      `INSERT INTO event (type, at, session_id)
       SELECT 'session_ended', now() - interval '1 year', gen_random_uuid() FROM generate_series(1, $1::int)`,
      rows / 10
    )
  }

  const removed = { sessions: 0, revocations: 0, events: 0 }
  const times: number[] = []
  let after: string | undefined
  do {
    const began = performance.now()
    const purged = await purgeExpired(database, { batch, eventRetentionSeconds: 1e6, after })
    times.push(performance.now() - began)
    removed.sessions += purged.sessions
    removed.revocations += purged.revocations
    removed.events += purged.events
    after = purged.next ?? undefined
  } while (after !== undefined || removed.revocations < rows || removed.events < rows)
  t.strictSame(removed, { sessions: rows, revocations: rows, events: rows })
  times.sort((a, b) => a - b)
  const median = times[Math.floor(times.length / 2)] ?? 0
  const late = times[Math.floor(times.length * 0.9)] ?? 0
  t.ok(
    late < 4000,
    `${times.length} batches; half within ${Math.round(median)} ms, nine of ten within ${Math.round(late)} ms`
  )
})
