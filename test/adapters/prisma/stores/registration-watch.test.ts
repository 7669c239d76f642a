import t from 'tap'
import { watchRegistrations } from '../../../../src/adapters/prisma/stores/registration-watch.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

onEachDatabase(t, (t, stores, database) => {
  /** Adds accounts that were created so many hours ago. */
  const addUsers = (count: number, hoursAgo: number) =>
    sql(
      database,
      `INSERT INTO "user" (id, email, email_key, password_hash, created_at)
       SELECT id, id::text, id::text, '', now() - make_interval(hours => $2::int)
       FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $1::int)) made`,
      count,
      hoursAgo
    )
  const events = () =>
    sql<{ count: number }>(database, `SELECT count FROM event WHERE type = 'registrations_above_usual'`)

  t.test('more accounts than usual raise one event an hour and the metric, and refuse nobody', async (t) => {
    const reported: number[] = []
    const watch = watchRegistrations(database, (lastHour) => reported.push(lastHour))
    t.teardown(watch.stop)
    await addUsers(168 * 50, 24)
    await addUsers(200, 0)
    await watch.check()
    t.notOk(watch.isAboveUsual(), 'four times the fifty an hour of the week before')
    t.same(await events(), [])

    await addUsers(1, 0)
    await watch.check()
    await watch.check()
    t.ok(watch.isAboveUsual())
    t.same(await events(), [{ count: 201 }])
    t.same(reported, [201])

    await stores.age(3600)
    await watch.check()
    t.equal((await events()).length, 2, 'an hour later there is another event')
    await sql(database, `UPDATE "user" SET created_at = created_at - interval '1 hour'`)
    await watch.check()
    t.notOk(watch.isAboveUsual())
  })
})
