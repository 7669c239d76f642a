import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Database } from '../../../../src/adapters/prisma/database.js'
import { rotate, rotationStatements } from '../../../../src/adapters/prisma/sql/rotate.js'
import { Unavailable } from '../../../../src/ports/errors.js'
import type { LiveSession } from '../../../../src/ports/sessions.js'
import { testRotation } from '../../../contract/rotation.js'
import { addUser, attempt, digest, login, policy, reread, type Stores } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { onServer, sql } from '../../../support/database.js'
import { until } from '../../../support/faults/crowd.js'

const strict = { ...policy, graceSeconds: 0 }

async function logins(stores: Stores, count: number): Promise<LiveSession[]> {
  const user = await addUser(stores)
  const sessions: LiveSession[] = []
  for (let i = 0; i < count; i++) sessions.push(await login(stores, user))
  return sessions
}

const attempts = (sessions: readonly LiveSession[]) => sessions.map((session) => attempt(session))

/** `database`, with a count of its operations. */
function counted(database: Database) {
  let count = 0
  const run: Database['run'] = (operation) => {
    count += 1
    return database.run(operation)
  }
  return { database: { ...database, run }, count: () => count }
}

t.setTimeout(120_000)

onEachDatabase(t, (t, stores, database) => {
  t.test('a rotation that shares its statement with other sessions keeps all promises of a rotation', async (t) => {
    const [other] = await logins(stores, 1)
    if (other === undefined) return t.fail('no login')
    const beside = (changes: Partial<typeof policy> = {}) => {
      const { one, many } = rotationStatements(database, { ...policy, ...changes })
      return async (asked: Parameters<typeof one>[0]) => {
        const [result = 'alone'] = await many([asked, attempt(other)])
        return result === 'alone' ? one(asked) : result
      }
    }
    testRotation(t, {
      ...stores,
      sessions: { ...stores.sessions, rotate: beside() },
      sessionsUnder: (changes) => ({ ...stores.sessionsUnder(changes), rotate: beside(changes) })
    })
  })

  t.test('one statement moves each row with its own key, and says which rows did not fit', async (t) => {
    const [first, second, third] = await logins(stores, 3)
    if (first === undefined || second === undefined || third === undefined) return t.fail('no login')
    const { many } = rotationStatements(database, policy)
    const missing = { ...attempt(third), sid: randomUUID() }
    const results = await many([
      attempt(second, digest('key')),
      { ...attempt(third), secretHash: digest('wrong') },
      missing,
      attempt(first)
    ])
    t.match(results, [{ id: second.id, generation: 1 }, undefined, 'alone', { id: first.id, generation: 1 }])
    t.match(await reread(stores, second), { generation: 1, retryKeyHash: digest('key'), keyUsed: true })
    t.match(await reread(stores, first), { generation: 1, retryKeyHash: null, keyUsed: false })
    t.match(await reread(stores, third), { generation: 0 })
  })

  t.test('64 simultaneous refreshes take at most 3 statements', async (t) => {
    const sessions = await logins(stores, 64)
    const { database: watched, count } = counted(database)
    const rotateTogether = rotate(watched, policy, 64)
    const rotated = await Promise.all(attempts(sessions).map(rotateTogether))
    t.same(
      rotated.map((session) => [session?.id, session?.generation]),
      sessions.map(({ id }) => [id, 1])
    )
    // The refreshes that found nothing running have a statement each, and all others share one.
    t.ok(count() <= 3, `${count()} statements`)
  })

  t.test('with a batch size of 1 each refresh has its own statement', async (t) => {
    const sessions = await logins(stores, 5)
    const { database: watched, count } = counted(database)
    const rotated = await Promise.all(attempts(sessions).map(rotate(watched, policy, 1)))
    t.ok(rotated.every((session) => session?.generation === 1))
    t.equal(count(), 5)
  })

  t.test('if one refresh makes the shared statement fail, only this refresh fails', async (t) => {
    const sessions = await logins(stores, 64)
    const broken = sessions[40]
    if (broken === undefined) return t.fail('no login')
    await failing(database, broken.id, "RAISE EXCEPTION 'broken'", async () => {
      await t.rejects(rotationStatements(database, policy).many(attempts(sessions)), /broken/)
      for (const session of sessions) t.match(await reread(stores, session), { generation: 0 })
      const rotated = await Promise.allSettled(attempts(sessions).map(rotate(database, policy, 64)))
      t.match(rotated[40], { status: 'rejected', reason: /broken/ })
      const others = rotated.filter((_, index) => index !== 40)
      t.ok(others.every((result) => result.status === 'fulfilled' && result.value?.generation === 1))
    })
    t.match(await reread(stores, broken), { generation: 0 })
  })

  t.test('two statements with the same rows in opposite order never deadlock', async (t) => {
    const sessions = await logins(stores, 8)
    const { one, many } = rotationStatements(database, strict)
    const now = new Map(sessions.map((session) => [session.id, session]))
    for (let round = 0; round < stores.rounds / 2; round++) {
      const asked = [...now.values()]
      const both = await Promise.all([many(attempts(asked)), many(attempts(asked.toReversed()))])
      for (const [index, session] of asked.entries()) {
        const results = [both[0][index], both[1][asked.length - 1 - index]]
        const moved = results.filter((result) => result !== undefined && result !== 'alone')
        if (moved.length > 1) return t.fail('one generation was given out twice')
        const generation = (moved[0] ?? (await one(attempt(session))))?.generation
        now.set(session.id, generation === undefined ? await reread(stores, session) : { ...session, generation })
      }
    }
    t.ok([...now.values()].every(({ generation }) => generation > 0))
  })

  if (database.kind === 'embedded') return

  t.test('a row that another transaction has locked delays no other refresh', async (t) => {
    const sessions = await logins(stores, 64)
    const locked = sessions[40]
    if (locked === undefined) return t.fail('no login')
    const settled: number[] = []
    const rotated = await onServer(async (other) => {
      await other.query(`BEGIN; SET LOCAL search_path TO ${await schemaOf(database)}`)
      await other.query('SELECT FROM session WHERE id = $1 FOR UPDATE', [locked.id])
      const running = attempts(sessions).map(rotate(database, policy, 64))
      for (const [index, result] of running.entries()) void result.then(() => settled.push(index))
      await Promise.all(running.filter((_, index) => index !== 40))
      t.notOk(settled.includes(40), 'the refresh of the locked row still waits')
      await other.query('ROLLBACK')
      return Promise.all(running)
    })
    t.ok(rotated.every((session) => session?.generation === 1))
  })

  t.test('if the connection of the shared statement is lost, its refreshes can be retried', async (t) => {
    const sessions = await logins(stores, 64)
    await failing(database, sessions[40]?.id ?? '', 'PERFORM pg_sleep(3)', async () => {
      const running = Promise.allSettled(attempts(sessions).map(rotate(database, policy, 64)))
      const sleeping = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE $1`
      await until(async () => {
        const ended = await onServer(async (other) => other.query(sleeping, [`%${await schemaOf(database)}%`]))
        return ended.rowCount !== 0
      })
      const results = await running
      const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
      t.ok(lost.length > 50, `${lost.length} refreshes shared the statement`)
      t.ok(lost.every((reason) => reason instanceof Unavailable))
      // The pool may still have the lost connection for a moment.
      await until(() => stores.sessions.find(sessions[40]?.id ?? '').then(Boolean, () => false))
      for (const [index, session] of sessions.entries()) {
        const generation = results[index]?.status === 'fulfilled' ? 1 : 0
        t.match(await reread(stores, session), { generation })
      }
    })
    const retried = await Promise.all(attempts(sessions).map(rotate(database, policy, 64)))
    t.ok(retried.filter((session) => session?.generation === 1).length > 50)
  })
})

/** While `work` runs, an update of the session runs `statement` first. */
async function failing(database: Database, id: string, statement: string, work: () => Promise<void>): Promise<void> {
  const trigger = `refuse_${id.replaceAll('-', '')}`
  await sql(
    database,
    `CREATE FUNCTION ${trigger}() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN IF NEW.id = '${id}' THEN ${statement}; END IF; RETURN NEW; END $$`
  )
  await sql(database, `CREATE TRIGGER ${trigger} BEFORE UPDATE ON session FOR EACH ROW EXECUTE FUNCTION ${trigger}()`)
  await work()
  await sql(database, `DROP TRIGGER ${trigger} ON session`)
}

async function schemaOf(database: Database): Promise<string> {
  const [row] = await sql<{ name: string }>(database, 'SELECT current_schema()::text AS name')
  return row?.name ?? ''
}
