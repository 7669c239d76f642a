import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Database } from '../../../../src/adapters/prisma/database.js'
import { purgeRegularly } from '../../../../src/adapters/prisma/stores/regular-purge.js'
import { policy } from '../../../contract/stores.js'
import { openTestDatabase, sql, testDatabases } from '../../../support/database.js'

const timing = { pauseSeconds: 0.01, quickPauseSeconds: 0.01, restSeconds: 0.02, leaseSeconds: 600 }

for (const kind of testDatabases(t)) {
  t.test(kind, async (t) => {
    const database = await openTestDatabase(t, { kind })
    const [user] = await sql<{ id: string }>(
      database,
      `INSERT INTO "user" (id, email, email_key, password_hash) VALUES (gen_random_uuid(), 'a', 'a', 'x') RETURNING id`
    )
    const addSessions = (count: number, life: string) =>
      sql(
        database,
        `INSERT INTO session (id, user_id, secret_hash, mode, idle_expires_at, absolute_expires_at)
         SELECT gen_random_uuid(), $1::uuid, 'x', 'body', now() + $2::text::interval, now() + interval '1 day'
         FROM generate_series(1, $3::int)`,
        user?.id,
        life,
        count
      )
    const count = async (what: string) =>
      (await sql<{ count: number }>(database, `SELECT count(*)::int AS count FROM ${what}`))[0]?.count ?? 0

    /** Starts an instance's purge; `walks` has the session at which each of its batches began. */
    function startPurge() {
      const walks: string[] = []
      const stop = purgeRegularly(recordingWalks(database, walks), policy, timing)
      t.teardown(stop)
      return { walks, stop }
    }

    t.test('of three instances one walks, and after its death another one goes on where it was', async (t) => {
      await addSessions(4000, '-1 hour')
      await addSessions(4000, '1 hour')
      const instances = [startPurge(), startPurge(), startPurge()]
      while (instances.every(({ walks }) => walks.length < 3)) await delay(1)
      const [holder, ...idle] = instances.filter(({ walks }) => walks.length > 0)
      if (holder === undefined) return t.fail('nobody walks')
      t.same(idle, [], 'the others wait')
      const [lease] = await sql<{ holder: string }>(database, 'SELECT holder::text FROM lease')
      holder.stop()
      // A batch that is under way renews the lease.
      const expire = () => sql(database, 'UPDATE lease SET expires_at = now() WHERE holder = $1::uuid', lease?.holder)
      while (holder.walks.length === instances.flatMap(({ walks }) => walks).length) await expire()
      const next = instances.find((instance) => instance !== holder && instance.walks.length > 0)
      // The holder before can have ended a batch that it did not record.
      t.ok((next?.walks[0] ?? '') >= (holder.walks.at(-2) ?? ''), 'the walk goes on')

      while ((await count('session')) > 4000) await delay(5)
      t.equal(await count(`event WHERE type = 'session_ended'`), 4000, 'each session ended once')
      t.equal(instances.filter(({ walks }) => walks.length > 0).length, 2)
      for (const { stop } of instances) stop()
    })

    t.test('a purge that fails begins the same batch again', async (t) => {
      await sql(database, 'DELETE FROM lease')
      await addSessions(3000, '-1 hour')
      const walks: string[] = []
      let failures = 0
      const recording = recordingWalks(database, walks)
      const failing: Database = {
        ...recording,
        run: async (operation) => {
          const before = walks.length
          const result = await recording.run(operation)
          if (walks.length === 2 && walks.length > before && failures === 0) {
            failures += 1
            throw new Error('away')
          }
          return result
        }
      }
      const stop = purgeRegularly(failing, policy, timing)
      t.teardown(stop)
      while (walks.length < 4) await delay(1)
      t.equal(walks[2], walks[1])
      while ((await count('session WHERE idle_expires_at < now()')) > 0) await delay(5)
      stop()
    })
  })
}

/** The database, and where each walk over `session` that it runs begins, in `walks`. */
function recordingWalks(database: Database, walks: string[]): Database {
  return {
    ...database,
    run: (operation) =>
      database.run((prisma, ask) => {
        const queryRaw = (...query: Parameters<typeof prisma.$queryRaw>) => {
          if (String(query[0]).includes('walked AS')) walks.push(String(query[1]))
          return prisma.$queryRaw(...query)
        }
        const get = (client: typeof prisma, name: string) =>
          name === '$queryRaw' ? queryRaw : Reflect.get(client, name)
        return operation(new Proxy(prisma, { get }), ask)
      })
  }
}
