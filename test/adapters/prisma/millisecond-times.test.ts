import t from 'tap'
import { query } from '../../../src/adapters/prisma/database.js'
import { openTestDatabase, testDatabases } from '../../support/database.js'

for (const kind of testDatabases(t)) {
  t.test(`${kind}: a time arrives as the milliseconds that the database counts`, async (t) => {
    const database = await openTestDatabase(t, { kind })
    const texts = [
      ...['2031-07-01 12:30:15.125+00', '2031-07-01 12:30:15.1254+00', '2031-07-01 12:30:15+05:30'],
      ...['1969-12-31 23:59:59.999+00', '0099-03-01 00:00:00+00', '9999-12-31 23:59:59.999+00', 'infinity', '-infinity']
    ]
    const rows = await query<{ text: string; at: number; counted: number }>(database)`
      SELECT text, text::timestamptz(3) AS at, (extract(epoch FROM text::timestamptz(3)) * 1000)::float8 AS counted
      FROM unnest(${texts}::text[]) text`
    t.equal(rows.length, texts.length)
    for (const { text, at, counted } of rows) t.equal(at, counted, text)

    const none = query<{ at: null }>(database)
    t.strictSame(await none`SELECT NULL::timestamptz AS at`, [{ at: null }])
    const inTransaction = await database.run((prisma) =>
      prisma.$transaction([prisma.$queryRaw<{ at: number }[]>`SELECT '1970-01-01 00:00:01+00'::timestamptz AS at`])
    )
    t.strictSame(inTransaction, [[{ at: 1000 }]])
  })
}
