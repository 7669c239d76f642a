import t from 'tap'
import { watchedDatabase } from '../../../src/adapters/prisma/watched-database.js'
import { Unavailable } from '../../../src/ports/errors.js'
import { notedWatch } from '../../support/adapters/noted-watch.js'
import { openTestDatabase } from '../../support/database.js'

const database = await openTestDatabase(t, { kind: 'embedded' })

t.test('an operation that the database serves is timed, also if its statement is at fault', async (t) => {
  const { watch, changes, timed } = notedWatch()
  const { run } = watchedDatabase(database, watch)
  t.strictSame(await run((prisma) => prisma.$queryRaw`SELECT 7 AS seven`), [{ seven: 7 }])
  await t.rejects(run((prisma) => prisma.$queryRaw`SELECT 1 / 0`))
  t.strictSame(changes, ['served'])
  t.equal(timed.operations, 2)
})

t.test('an operation that the database cannot serve is a failure, and is not timed if it never began', async (t) => {
  const { watch, changes, timed } = notedWatch()
  const refusing = { ...database, run: () => Promise.reject(new Unavailable('The database queue is full.')) }
  await t.rejects(
    watchedDatabase(refusing, watch).run(async () => 1),
    Unavailable
  )
  t.strictSame(changes, ['failed'])
  t.equal(timed.operations, 0)
})
