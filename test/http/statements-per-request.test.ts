import t from 'tap'
import { age, openTestDatabase, sql } from '../support/database.js'
import { openAdminService } from '../support/http/admin.js'
import { askForToken, asMachine, newMachine, tokenOf } from '../support/http/clients.js'
import { newEmail, newPerson } from '../support/http/people.js'
import { postForm, serviceSettings } from '../support/http/services.js'
import { recordedDatabase } from '../support/recorded-statements.js'
import { Client } from '../support/service.js'

/**
 * What each request asks of the database. Statements and round trips are counted and no times are measured, so this
 * fails on every machine if a request becomes slower by a statement. Each bound has its reason.
 */
const database = recordedDatabase(await openTestDatabase(t, { kind: 'embedded' }))
const { app, admin } = await openAdminService(t, database, serviceSettings)

/** What a request asks of the database. */
const costOf = (status: number, request: () => Promise<{ readonly statusCode: number }>) =>
  database.countsOf(async () => t.equal((await request()).statusCode, status))

t.test('a guarded request, and the introspection of an access token, ask nothing', async (t) => {
  const { client } = await newPerson(app, 'body')
  // The first request of a process would also count what is read once.
  await client.send('GET', '/me')
  const introspected = await costOf(200, () => postForm(app, '/introspect', { token: client.accessToken }))
  t.strictSame(
    introspected,
    { statements: 0, roundTrips: 0 },
    'the token says it all, and the revocations are in memory'
  )
  t.strictSame(await costOf(200, () => client.send('GET', '/me')), { statements: 1, roundTrips: 1 }, 'the account')
})

t.test('the introspection of a refresh token reads the session once', async (t) => {
  const { client } = await newPerson(app, 'body')
  const cost = await costOf(200, () => postForm(app, '/introspect', { token: client.refreshToken }))
  t.strictSame(cost, { statements: 1, roundTrips: 1 })
})

const refresh = (client: Client) => client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })

t.test('a refresh is one statement, and only what that cannot decide takes a second one', async (t) => {
  const { client } = await newPerson(app, 'body')
  const old = client.refreshToken
  const two = { statements: 2, roundTrips: 2 }
  t.strictSame(await costOf(200, () => refresh(client)), { statements: 1, roundTrips: 1 }, 'the next generation')
  t.strictSame(await costOf(200, () => refresh(client)), two, 'the token is still current, and the row says so')
  client.refreshToken = old
  t.strictSame(await costOf(200, () => refresh(client)), two, 'a lost response, and the row says so')
  // test/adapters/prisma/sql/rotate.test.ts counts the statements of 64 simultaneous refreshes.
})

t.test('a refresh writes at most 450 bytes to the log of the database', async (t) => {
  const { client } = await newPerson(app, 'body')
  const bytesOf = async (request: () => Promise<unknown>) => {
    const position = async () => {
      const [row] = await sql<{ bytes: number }>(
        database,
        "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8 AS bytes"
      )
      return row?.bytes ?? Number.NaN
    }
    const before = await position()
    await request()
    return (await position()) - before
  }
  // The first change of a page after a checkpoint writes the whole page, so this one does not count.
  await refresh(client)
  const bytes: number[] = []
  for (let run = 0; run < 5; run++) {
    await age(database, client.sessionId, 20)
    bytes.push(await bytesOf(() => refresh(client)))
  }
  // A new version of the row in the same page, no entry in any index, no event, and a commit.
  t.ok(Math.min(...bytes) > 100 && Math.max(...bytes) <= 450, `${bytes} bytes`)
})

t.test('a registration and a login', async (t) => {
  const client = new Client(app)
  const email = newEmail()
  const register = () => client.signIn(email, { mode: 'body' })
  // The lock of the user is a statement of its own, so that the next one sees what the transactions before have written.
  const bound = { statements: 4, roundTrips: 6 }
  // Whether a link keeps the address for somebody else is asked after the account took it, in its transaction.
  const registered = { statements: bound.statements + 1, roundTrips: bound.roundTrips + 3 }
  t.strictSame(await costOf(201, register), registered, 'the account, and a transaction: lock, ends, session')
  const login = () => client.signIn(email, { path: '/login', mode: 'body' })
  t.strictSame(await costOf(200, login), bound, 'the account, and the same transaction')
})

t.test('a logout', async (t) => {
  const [first, second] = [await newPerson(app, 'body'), await newPerson(app, 'body')]
  const byBearer = await costOf(204, () => first.client.send('POST', '/logout'))
  t.strictSame(byBearer, { statements: 1, roundTrips: 1 }, 'the end, its revocation and its event')
  const payload = { refresh_token: second.client.refreshToken }
  const byToken = await costOf(204, () => second.client.send('POST', '/logout', { bearer: false, payload }))
  t.strictSame(byToken, { statements: 1, roundTrips: 1 }, 'the same: the statement ends no session of an older token')
})

t.test('a token for a machine client, and what it and its secret open', async (t) => {
  const machine = await newMachine(admin, ['latchkey:introspect'])
  // The first use of a secret in an hour is written, in the same statement.
  for (const which of ['first', 'second']) {
    t.strictSame(await costOf(200, () => askForToken(app, machine)), { statements: 1, roundTrips: 1 }, `the ${which}`)
  }
  const nothing = { statements: 0, roundTrips: 0 }
  const token = await tokenOf(app, machine)
  const introspect = (headers: Record<string, string>) => () => postForm(app, '/introspect', { token }, headers)
  t.strictSame(await costOf(200, introspect({ authorization: `Bearer ${token}` })), nothing, 'the token says it all')
  t.strictSame(await costOf(200, introspect(asMachine(machine))), { statements: 1, roundTrips: 1 }, 'the secret')
  t.strictSame(await costOf(200, introspect(asMachine(machine))), nothing, 'for 30 s it is remembered')
})

t.test('simultaneous requests share the statements that read accounts', async (t) => {
  const people = await Promise.all(Array.from({ length: 4 }, () => newPerson(app, 'body')))
  const requests = Array.from({ length: 64 }, (_, i) => people[i % people.length]?.client)
  const { statements } = await database.countsOf(() =>
    Promise.all(requests.map(async (client) => t.equal((await client?.send('GET', '/me'))?.statusCode, 200)))
  )
  // Up to two run, and the others wait for the next. On a busy machine some wait no longer, because those two are slow.
  t.ok(statements > 0 && statements <= 16, `${statements} statements`)
})
