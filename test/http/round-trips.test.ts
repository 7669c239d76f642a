import t from 'tap'
import { age, openTestDatabase, sql } from '../support/database.js'
import { copyOf, newPerson } from '../support/http/people.js'
import { recordedDatabase } from '../support/recorded-statements.js'
import { type Client, openService } from '../support/service.js'

/**
 * Counts what requests cost, so that a change which makes one slower is seen on any machine. Times would depend on the
 * machine. Each bound is what the request needs today; a higher one needs a reason. That simultaneous refreshes share
 * statements is counted in test/adapters/prisma/sql/rotate.test.ts.
 */
const database = recordedDatabase(await openTestDatabase(t, { kind: 'embedded' }))
const app = await openService(t, database, { MAX_SESSIONS_PER_USER: '100' })

const refresh = async (client: Client) => {
  const { statusCode } = await client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })
  if (statusCode !== 200) throw new Error(`The refresh was answered with ${statusCode}.`)
}

/** `count` devices of one person. */
async function devices(count: number): Promise<readonly Client[]> {
  const { client, email } = await newPerson(app, 'body')
  const clients = [client]
  while (clients.length < count) {
    const another = copyOf(client)
    await another.signIn(email, { path: '/login', mode: 'body' })
    clients.push(another)
  }
  return clients
}

t.test('a refresh is one statement; only what it cannot decide alone takes a second one', async (t) => {
  const { client } = await newPerson(app, 'body')
  const old = client.refreshToken
  t.equal(await database.roundTripsOf(() => refresh(client)), 1, 'the next generation')
  t.equal(await database.roundTripsOf(() => refresh(client)), 2, 'within the grace window: the UPDATE, and the row')
  client.refreshToken = old
  t.equal(await database.roundTripsOf(() => refresh(client)), 2, 'a retry whose response was lost')
})

t.test('a refresh writes at most 450 bytes to the log of the database', async (t) => {
  const clients = await devices(8)
  const written = async () => {
    const [row] = await sql<{ bytes: number }>(
      database,
      "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8 AS bytes"
    )
    return row?.bytes ?? Number.NaN
  }
  const all = async () => {
    for (const { sessionId } of clients) await age(database, sessionId, 20)
    const before = await written()
    for (const client of clients) await refresh(client)
    return ((await written()) - before) / clients.length
  }
  // The first change of a page after a checkpoint writes the whole page.
  await all()
  const bytes = await all()
  // One new version of the row in the same page, without an entry in any index, and a commit; no event.
  t.ok(bytes > 100 && bytes <= 450, `${bytes} bytes`)
})
