import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { query } from '../../../src/adapters/prisma/database.js'
import { prepared, statementNames } from '../../../src/adapters/prisma/prepared-statements.js'
import { liveSessions } from '../../../src/adapters/prisma/sql/live-sessions.js'
import { prismaUserStore } from '../../../src/adapters/prisma/stores/user-store.js'
import { tables } from '../../../src/adapters/prisma/tables.js'
import { Unavailable } from '../../../src/ports/errors.js'
import { addUser, login, policy } from '../../contract/stores.js'
import { storesOver } from '../../support/adapters/stores.js'
import { openTestDatabase, serverUrl, sql } from '../../support/database.js'

const onlyWithServer = { skip: serverUrl === undefined && 'TEST_DATABASE_URL is not set' }

/** A database with one connection, and the prepared statements of that connection. */
async function open(t: Test) {
  let reports = 0
  const onUnprepared = () => (reports += 1)
  const database = await openTestDatabase(t, { kind: 'server', server: { poolSize: 1, onUnprepared } })
  const kept = () =>
    query<{ name: string; runs: number }>(database)`
      SELECT name, (generic_plans + custom_plans)::int AS runs FROM pg_prepared_statements`
  return { database, kept, reports: () => reports }
}

t.test(
  'a marked statement is prepared once for its connection, and no other statement is',
  onlyWithServer,
  async (t) => {
    const { database, kept, reports } = await open(t)
    const divided = (by: number) => query(database)`${prepared} SELECT 6 / ${by}::int AS value`
    t.same(await divided(1), [{ value: 6 }])
    t.same(await query(database)`SELECT ${7}::int AS value`, [{ value: 7 }])
    await t.rejects(divided(0), /division by zero/)
    t.same(await divided(2), [{ value: 3 }])
    t.match(await kept(), { length: 1, 0: { name: /^latchkey_[0-9a-f]{32}$/, runs: 2 } })

    await query(database)`DEALLOCATE ALL`
    t.same(await divided(3), [{ value: 2 }], 'a statement runs although the server has forgotten its name')
    t.same(await divided(6), [{ value: 1 }])
    t.same(await kept(), [], 'names are given up, because a pooler may give each statement another connection')
    t.equal(reports(), 1)
  }
)

t.test('the statements of a transaction are prepared too', onlyWithServer, async (t) => {
  const { database, kept } = await open(t)
  const added = (text: string) =>
    database.run((prisma) =>
      prisma.$transaction([
        prisma.$queryRaw`${prepared} INSERT INTO ${tables.registration} (email_key, password_hash, expires_at)
          VALUES (${text}, 'x', now()) RETURNING email_key`,
        prisma.$queryRaw`SELECT 1`
      ])
    )
  const keys = () => query<{ key: string }>(database)`SELECT email_key AS key FROM ${tables.registration}`
  await added('a')
  await added('b')
  t.match(await kept(), { length: 1, 0: { runs: 2 } })

  await query(database)`DEALLOCATE ALL`
  await t.rejects(added('c'), Unavailable, 'the refusal has ended the transaction')
  t.same(await keys(), [{ key: 'a' }, { key: 'b' }])
  await added('d')
  t.same(await keys(), [{ key: 'a' }, { key: 'b' }, { key: 'd' }], 'the next transaction uses no names')
})

t.test('a registration, a login and a logout are not planned each time', onlyWithServer, async (t) => {
  const { database } = await open(t)
  const stores = storesOver(database)
  for (let run = 0; run < 12; run += 1) {
    const { id: sid, secretHash } = await login(stores, await addUser(stores))
    t.ok(await stores.sessions.endByToken({ sid, secretHash, newestGeneration: 1, actor: {} }))
  }
  const plans = await query<{ readonly custom: number; readonly generic: number }>(database)`
    SELECT custom_plans::int AS custom, generic_plans::int AS generic FROM pg_prepared_statements`
  t.equal(plans.length, 6, 'lock, ends and session of a login; account and kept address of a registration; a logout')
  for (const { custom, generic } of plans) t.same({ custom, generic }, { custom: 5, generic: 7 })
})

t.test('a statement runs although its connection has the name from another client', onlyWithServer, async (t) => {
  const { database } = await open(t)
  await sql(database, `PREPARE ${statementNames().nameOf('/* prepared */ SELECT $1::int AS value')} AS SELECT 8`)
  t.same(await query(database)`${prepared} SELECT ${7}::int AS value`, [{ value: 7 }])
})

t.test(
  'a migration that changes the type of a column gives a prepared statement another name',
  onlyWithServer,
  async (t) => {
    const { database, kept, reports } = await open(t)
    const keys = () => query(database)`${prepared} SELECT kid FROM ${tables.signingKey}`
    t.same(await keys(), [])
    await sql(database, 'ALTER TABLE signing_key ALTER COLUMN kid TYPE varchar(90)')
    for (let run = 0; run < 3; run += 1) t.same(await keys(), [])
    const runs = (await kept()).map(({ runs }) => runs)
    t.strictSame(runs.sort(), [1, 2], 'of four runs, the refused one is repeated without a name')
    t.equal(reports(), 0)
  }
)

t.test('connections that refuse the same name get the same new one', async (t) => {
  const { nameOf, isRefused } = statementNames()
  const text = '/* prepared */ SELECT 1'
  const changed = Object.assign(new Error(), { code: '0A000', routine: 'RevalidateCachedQuery' })
  const first = nameOf(text) ?? ''
  t.ok(isRefused(text, first, changed))
  const second = nameOf(text)
  t.ok(isRefused(text, first, changed))
  t.equal(nameOf(text), second)
  t.not(second, first)
  t.notOk(isRefused(text, first, Object.assign(new Error(), { code: '0A000' })), 'the statement itself cannot run')
})

t.test('reads of one account and of one session are not planned each time', onlyWithServer, async (t) => {
  const { database } = await open(t)
  const users = prismaUserStore(database, policy)
  const sessions = liveSessions(database, policy)
  for (let run = 0; run < 12; run += 1) {
    await users.find(randomUUID())
    await sessions.find(randomUUID())
  }
  const plans = await query<{ readonly planned: number }>(database)`
    SELECT custom_plans::int AS planned FROM pg_prepared_statements`
  t.same(plans, [{ planned: 5 }, { planned: 5 }], 'PostgreSQL compares five such plans with the generic one')
})

t.test('a name belongs to one text, and the number of names is bounded', async (t) => {
  const { nameOf } = statementNames()
  const text = (index: number) => `/* prepared */ SELECT ${index}`
  const names = Array.from({ length: 100 }, (_, index) => nameOf(text(index))).filter((name) => name !== undefined)
  t.equal(new Set(names).size, 32)
  t.equal(names.length, 32)
  t.equal(nameOf(text(0)), names[0])
  t.equal(nameOf('SELECT 1'), undefined)
})
