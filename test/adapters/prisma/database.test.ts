import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { isUniqueViolation } from '../../../src/adapters/prisma/database-errors.js'
import { Prisma } from '../../../src/adapters/prisma/generated/client.js'
import { sharedReads } from '../../../src/adapters/prisma/shared-reads.js'
import { schemaMark, tables } from '../../../src/adapters/prisma/tables.js'
import { Unavailable } from '../../../src/ports/errors.js'
import { age, openTestDatabase, sql, testDatabases } from '../../support/database.js'

const newUser = (emailKey: string) => ({ id: randomUUID(), email: emailKey, emailKey, passwordHash: 'none' })

const once = Prisma.raw(`${schemaMark}."once"`)

const countOf = async (database: Database, table: string) => {
  const [row] = await sql<{ count: bigint }>(database, `SELECT count(*) AS "count" FROM "${table}"`)
  return Number(row?.count)
}

for (const kind of testDatabases(t)) {
  t.test(kind, async (t) => {
    const database = await openTestDatabase(t, { kind })
    await sql(database, 'CREATE TABLE "once" ("id" INT, UNIQUE ("id") DEFERRABLE INITIALLY DEFERRED)')

    t.test('a unique violation of a model and of raw SQL passes through', async (t) => {
      const user = newUser(`${kind}@unique`)
      await database.run((prisma) => prisma.user.create({ data: user }))
      const again = database.run((prisma) => prisma.user.create({ data: newUser(user.emailKey) }))
      await t.rejects(again, { code: 'P2002' })
      const raw = sql(
        database,
        'INSERT INTO "user" ("id", "email", "email_key", "password_hash") VALUES ($1::uuid, $2, $2, $2)',
        randomUUID(),
        user.emailKey
      )
      for (const attempt of [again, raw]) {
        const error: unknown = await attempt.catch((error: unknown) => error)
        t.ok(isUniqueViolation(error))
        t.notOk(error instanceof Unavailable)
      }
    })

    t.test('a fault of the statement passes through', async (t) => {
      await t.rejects(sql(database, 'SELEC'), { code: 'P2010' })
    })

    t.test('a full disk and a read-only database throw Unavailable', async (t) => {
      for (const state of ['53100', '25006']) {
        const raise = `DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '${state}'; END $$`
        const attempt = database.run((prisma) => prisma.$executeRawUnsafe(raise))
        const refusal: unknown = await attempt.catch((error: unknown) => error)
        t.ok(refusal instanceof Unavailable && refusal.retryAfterSeconds === 10)
      }
      const write = database.run((prisma) =>
        prisma.$transaction(async (transaction) => {
          await transaction.$executeRaw`SET TRANSACTION READ ONLY`
          await transaction.user.create({ data: newUser('read@only') })
        })
      )
      await t.rejects(write, Unavailable)
    })

    t.test('a transaction whose commit fails rejects and stores nothing', async (t) => {
      const insertTwice = database.run((prisma) =>
        prisma.$transaction(async (transaction) => {
          await transaction.$executeRaw`INSERT INTO ${once} VALUES (1)`
          await transaction.$executeRaw`INSERT INTO ${once} VALUES (1)`
        })
      )
      const error: unknown = await insertTwice.catch((error: unknown) => error)
      t.ok(isUniqueViolation(error))
      const batch = database.run((prisma) =>
        prisma.$transaction([
          prisma.$executeRaw`INSERT INTO ${once} VALUES (2)`,
          prisma.$executeRaw`INSERT INTO ${once} VALUES (2)`
        ])
      )
      await t.rejects(batch)
      t.equal(await countOf(database, 'once'), 0)
    })

    t.test('a transaction rejects if a statement in it failed, also if its error was caught', async (t) => {
      const transaction = database.run((prisma) =>
        prisma.$transaction(async (transaction) => {
          await transaction.$executeRaw`INSERT INTO ${once} VALUES (3)`
          await transaction.$executeRaw`INSERT INTO "nowhere" VALUES (1)`.catch(() => 'the error is ignored')
        })
      )
      await t.rejects(transaction)
      t.equal(await countOf(database, 'once'), 0)
    })

    t.test('a transaction that throws is rolled back, and its error passes unchanged', async (t) => {
      const fault = new RangeError('unchanged')
      const attempt = database.run((prisma) =>
        prisma.$transaction(async (transaction) => {
          await transaction.$executeRaw`INSERT INTO ${once} VALUES (4)`
          throw fault
        })
      )
      await t.rejects(attempt, fault)
      t.equal(await countOf(database, 'once'), 0)
    })

    t.test('a transaction commits at the requested isolation level', async (t) => {
      const level = await database.run((prisma) =>
        prisma.$transaction(
          async (transaction) => {
            await transaction.$executeRaw`INSERT INTO ${once} VALUES (5)`
            return transaction.$queryRaw`SHOW transaction_isolation`
          },
          { isolationLevel: 'Serializable' }
        )
      )
      t.same(level, [{ transaction_isolation: 'serializable' }])
      t.equal(await countOf(database, 'once'), 1)
    })

    t.test('fifty concurrent transactions all succeed', async (t) => {
      const before = await countOf(database, 'event')
      await Promise.all(
        Array.from({ length: 50 }, () =>
          database.run((prisma) =>
            prisma.$transaction(async (transaction) => {
              await transaction.event.create({ data: { type: 'login_failed' } })
            })
          )
        )
      )
      t.equal(await countOf(database, 'event'), before + 50)
    })

    t.test('calls that wait to share a statement count as waiting operations', async (t) => {
      const find = sharedReads(
        database,
        (wanted) => Prisma.sql`SELECT id FROM ${tables.user} WHERE id ${wanted}`,
        (row: { readonly id: string }) => row
      )
      const found = Promise.all(Array.from({ length: 5 }, () => find(randomUUID())))
      const { running, waiting } = database.load()
      t.equal(running + waiting, 5)
      t.same(await found, Array(5).fill(undefined))
      t.same(database.load(), { running: 0, waiting: 0 })
    })

    t.test('age moves the times of a session into the past', async (t) => {
      const user = await database.run((prisma) => prisma.user.create({ data: newUser(`${kind}@age`) }))
      const at = new Date('2030-01-01T00:00:00.250Z')
      const session = { id: randomUUID(), userId: user.id, secretHash: 'none', mode: 'body' }
      await database.run((prisma) =>
        prisma.session.create({ data: { ...session, idleExpiresAt: at, absoluteExpiresAt: at } })
      )
      await age(database, session.id, 90)
      const aged = await database.run((prisma) => prisma.session.findUniqueOrThrow({ where: { id: session.id } }))
      t.equal(aged.idleExpiresAt.toISOString(), '2029-12-31T23:58:30.250Z')
      t.equal(aged.rotatedAt, null)
      await t.rejects(age(database, randomUUID(), 1))
    })
  })

  t.test(`${kind}: a closed database throws Unavailable`, async (t) => {
    const database = await openTestDatabase(t, { kind })
    const running = database.run((prisma) => prisma.user.count())
    await Promise.all([database.close(), database.close()])
    t.equal(await running, 0, 'the running operation succeeded')
    await t.rejects(
      database.run((prisma) => prisma.user.count()),
      Unavailable
    )
  })
}
