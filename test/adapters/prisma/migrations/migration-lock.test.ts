import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { migrate } from '../../../../src/adapters/prisma/migrations/migrate.js'
import { takeMigrationLock } from '../../../../src/adapters/prisma/migrations/migration-lock.js'
import { emptySchema, migration, outsideTransaction } from '../../../support/adapters/migrations.js'
import { onServer, serverUrl } from '../../../support/database.js'
import { until } from '../../../support/faults/crowd.js'

/** The lock that `prisma migrate deploy` takes on its connection. */
const prismaLock = 72707369
const quick = { report: () => undefined, pauseMilliseconds: 10 }

if (serverUrl === undefined) {
  t.pass('the lock around migrations', { skip: 'needs TEST_DATABASE_URL' })
} else {
  t.test('one process migrates at a time; the others say that they wait', async (t) => {
    const schema = await emptySchema(t)
    const first = await takeMigrationLock(await schema.connect(), quick)
    const lines: string[] = []
    let taken = false
    const second = takeMigrationLock(await schema.connect(), { ...quick, report: (line) => lines.push(line) })
    void second.then(() => (taken = true))
    await until(async () => lines.length > 0)
    await delay(100)
    t.strictSame(lines, ['Another process is migrating this database: waiting for it.'], 'it says so once a minute')
    t.notOk(taken)
    await first.stillHeld()
    await first.release()
    await (await second).release()
  })

  t.test('many processes that meet on an empty schema all get the lock, one after the other', async (t) => {
    const schema = await emptySchema(t)
    let holders = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const lock = await takeMigrationLock(await schema.connect(), quick)
        holders += 1
        most = Math.max(most, holders)
        await delay(5)
        holders -= 1
        await lock.release()
      })
    )
    t.equal(most, 1)
  })

  t.test('"prisma migrate deploy" and we exclude each other', async (t) => {
    const schema = await emptySchema(t)
    await onServer(async (prisma) => {
      await prisma.query('SELECT pg_advisory_lock($1)', [prismaLock])
      const lines: string[] = []
      const waiting = takeMigrationLock(await schema.connect(), { ...quick, report: (line) => lines.push(line) })
      await until(async () => lines.length > 0)
      await prisma.query('SELECT pg_advisory_unlock($1)', [prismaLock])
      const lock = await waiting
      const { rows } = await prisma.query('SELECT pg_try_advisory_lock($1) AS "taken"', [prismaLock])
      t.strictSame(rows, [{ taken: false }])
      await lock.release()
    })
  })

  t.test('the lock of a process that is killed is free at once', async (t) => {
    const schema = await emptySchema(t)
    const killed = await schema.connect()
    const lost = await takeMigrationLock(killed, quick)
    const ended = new Promise((resolve) => killed.client.once('end', resolve))
    const { rows } = await killed.client.query('SELECT pg_backend_pid() AS "id"')
    await onServer((client) => client.query('SELECT pg_terminate_backend($1)', [rows[0]?.id]))
    await ended
    await (await takeMigrationLock(await schema.connect(), quick)).release()
    await t.rejects(lost.stillHeld(), 'and that process learns it before its next migration')
    await lost.release()
  })

  for (const [engine, code] of [
    ['YugabyteDB, which refuses advisory locks', '0A000'],
    ['an engine without their functions', '42883']
  ] as const) {
    t.test(`on ${engine}, the locked row is enough`, async (t) => {
      const schema = await emptySchema(t)
      const withoutAdvisory = async () => {
        const connection = await schema.connect()
        return {
          ...connection,
          async query(text: string, values: readonly unknown[]) {
            if (!text.includes('advisory')) return connection.query(text, values)
            // As there, the error aborts the transaction.
            await connection.client.query('SELECT 1/0').catch(() => undefined)
            throw Object.assign(new Error('advisory locks are not supported'), { code })
          }
        }
      }
      const first = await takeMigrationLock(await withoutAdvisory(), quick)
      const lines: string[] = []
      const second = takeMigrationLock(await withoutAdvisory(), { ...quick, report: (line) => lines.push(line) })
      await until(async () => lines.length > 0)
      await first.release()
      await (await second).release()
    })
  }

  t.test('CREATE INDEX CONCURRENTLY waits neither for the lock nor for processes that wait for it', async (t) => {
    const schema = await emptySchema(t)
    const lines: string[] = []
    const locking = await schema.connect()
    const other = await schema.connect()
    let waiting: Promise<unknown> | undefined
    await migrate(
      await schema.connect(),
      [
        migration('1_table', 'CREATE TABLE "person" ("name" TEXT)'),
        migration('2_index', outsideTransaction('CREATE INDEX CONCURRENTLY "by_name" ON "person" ("name");'))
      ],
      {
        async lock() {
          const lock = await takeMigrationLock(locking, quick)
          waiting = takeMigrationLock(other, { report: (line) => lines.push(line), pauseMilliseconds: 1 }).then(
            ({ release }) => release()
          )
          await until(async () => lines.length > 0)
          return lock
        }
      }
    )
    await waiting
    const { rows } = await other.client.query(
      `SELECT "indisvalid" FROM pg_index WHERE indexrelid = 'by_name'::regclass`
    )
    t.strictSame(rows, [{ indisvalid: true }])
  })
}
