import t from 'tap'
import { prismaMailLog } from '../../../../src/adapters/prisma/stores/mail-log.js'
import { testMailLog } from '../../../contract/mail-log.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { openTestDatabase, sql, testDatabases } from '../../../support/database.js'

onEachDatabase(t, testMailLog)

for (const kind of testDatabases(t)) {
  t.test(`${kind}: a page of mails reads few rows, however many mails are in each state`, async (t) => {
    // One connection, because each connection reports its own counts.
    const database = await openTestDatabase(t, { kind, server: { poolSize: 1 } })
    const mails = prismaMailLog(database)
    await sql(
      database,
      `INSERT INTO mail (id, kind, user_id, recipient, parameters, created_at, next_attempt_at, done_at, outcome)
       SELECT gen_random_uuid(), 'password_reset', ('00000000-0000-4000-8000-0000000000' || lpad((n % 90 + 10)::text, 2, '0'))::uuid,
         'x@example.org', '{}', now() - n * interval '1 second', CASE WHEN n % 5 = 0 THEN now() END,
         CASE WHEN n % 5 > 0 THEN now() END,
         CASE n % 5 WHEN 0 THEN NULL WHEN 1 THEN 'sent' WHEN 2 THEN 'dropped' ELSE 'pretended' END
       FROM generate_series(1, 20000) AS n`
    )
    await sql(database, `UPDATE mail SET outcome = 'bounced' WHERE created_at < now() - interval '19995 seconds'`)
    await sql(database, 'ANALYZE mail')

    const rowsRead = async () => {
      await sql(database, 'SELECT pg_stat_force_next_flush()::text')
      const [row] = await sql<{ read: number }>(
        database,
        `SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0) +
           (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relid = 'mail'::regclass))::float8 AS read
         FROM pg_stat_user_tables WHERE relid = 'mail'::regclass`
      )
      return row?.read ?? Number.NaN
    }
    for (const filter of [{}, { state: 'pending' }, { state: 'sent' }, { state: 'bounced' }] as const) {
      const before = await rowsRead()
      const { items, nextCursor } = await mails.list(filter, { limit: 5 })
      t.ok(items.length >= 4)
      if (nextCursor !== null) await mails.list(filter, { limit: 5, cursor: nextCursor })
      const read = (await rowsRead()) - before
      t.ok(read > 0 && read < 200, `${JSON.stringify(filter)}: ${read} rows`)
    }
    const before = await rowsRead()
    const counts = await mails.count(100)
    t.strictSame({ ...counts, bounced: 0 }, { pending: 100, sent: 100, dropped: 100, given_up: 0, bounced: 0 })
    const read = (await rowsRead()) - before
    t.ok(read < 800, `${read} rows to count`)
  })
}
