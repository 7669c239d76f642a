import t, { type Test } from 'tap'
import { eventRetentionSeconds, purgeExpired } from '../../../../src/adapters/prisma/sql/purge/purge.js'
import { readPurgeLag } from '../../../../src/adapters/prisma/sql/purge/purge-lag.js'
import { watchPurge } from '../../../../src/adapters/prisma/stores/purge-watch.js'
import { systemEntropy } from '../../../../src/adapters/secrets/system.js'
import { failureRetentionSeconds } from '../../../../src/core/rate-limits.js'
import { addUser, login, policy } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

const nothing = { sessions: 0, revocations: 0, events: 0, failures: 0, guesses: 0 }
const hour = 3600

onEachDatabase(t, (t, stores, database) => {
  /** Reads the lag until the test ends, in whole hours. */
  const open = (t: Test) => {
    const { check, lag, stop } = watchPurge(database, policy, systemEntropy)
    t.teardown(stop)
    return async () => {
      await check()
      return Object.fromEntries(Object.entries(lag()).map(([kind, seconds]) => [kind, Math.floor(seconds / hour)]))
    }
  }
  const purge = () => purgeExpired(database, { batch: 1000, eventRetentionSeconds: eventRetentionSeconds(policy) })

  t.test('rows that are not due yet, and no rows, are no lag; before the first reading it is unknown', async (t) => {
    const watch = watchPurge(database, policy, systemEntropy)
    t.teardown(watch.stop)
    t.strictSame(new Set(Object.values(watch.lag())), new Set([Number.NaN]))
    await watch.check()
    t.strictSame(watch.lag(), nothing)
    await login(stores, await addUser(stores))
    await stores.events.record({ type: 'login_failed' }, {})
    await watch.check()
    t.strictSame(watch.lag(), nothing)
  })

  t.test('each kind of row that the purge has not removed is overdue by its own end, until it is purged', async (t) => {
    const read = open(t)
    const user = await addUser(stores)
    await login(stores, user)
    await stores.sessions.endAllOfUser(user.id, { reason: 'logged_out' }, {})
    await login(stores, user, { idleTtlSeconds: hour })
    await sql(
      database,
      `INSERT INTO guess_run (key, failures, last_at, resumes_at, expires_at) VALUES ('k', 1, now(), now(), now() + interval '2 hours')`
    )
    await stores.age(3 * hour)
    t.match(await read(), { sessions: 2, revocations: 2, events: 0, failures: 0, guesses: 1 })

    await stores.age(failureRetentionSeconds)
    t.match(await read(), { events: 0, failures: 3 })
    await stores.age(eventRetentionSeconds(policy))
    t.match(await read(), { events: 3 + failureRetentionSeconds / hour })
    await purge()
    t.strictSame(await read(), nothing)
  })

  t.test('among many sessions an expired one is found if it is among the first or in the sample', async (t) => {
    const user = await addUser(stores)
    await sql(database, 'DELETE FROM session')
    const add = (from: number, count: number, endsInSeconds: number) =>
      sql(
        database,
        `INSERT INTO session (id, user_id, secret_hash, mode, idle_expires_at, absolute_expires_at)
         SELECT (lpad(to_hex(i), 8, '0') || '-0000-4000-8000-000000000000')::uuid, $1::uuid, '', 'cookie', ends + interval '1 day', ends
         FROM generate_series($2::int, $2::int + $3::int - 1) i, (SELECT now() + make_interval(secs => $4) AS ends) e`,
        user.id,
        from,
        count,
        endsInSeconds
      )
    const sessionsFrom = async (somewhere: string) => (await readPurgeLag(database, policy, somewhere)).sessions
    await add(1, 1000, hour)
    await add(2000, 1, -hour)
    t.equal(await sessionsFrom('ffffffff-0000-4000-8000-000000000000'), 0)
    t.equal(Math.floor(await sessionsFrom('000003ff-0000-4000-8000-000000000000')), hour)
    await add(0, 1, -2 * hour)
    t.equal(Math.floor(await sessionsFrom('ffffffff-0000-4000-8000-000000000000')), 2 * hour)
  })
})
