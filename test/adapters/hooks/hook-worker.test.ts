import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { type HookWorkerParts, hookWorker } from '../../../src/adapters/hooks/hook-worker.js'
import { prismaHookLog } from '../../../src/adapters/prisma/stores/hook-log.js'
import type { HookFunction, UserCreated } from '../../../src/core/hooks.js'
import type { HookLog } from '../../../src/ports/hooks.js'
import { addUser } from '../../contract/stores.js'
import { onEachDatabase } from '../../support/adapters/stores.js'
import { sql } from '../../support/database.js'
import { shiftableClock } from '../../support/http/shiftable-clock.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined }
const hour = 3600

onEachDatabase(t, (t, stores, database) => {
  const log = prismaHookLog(database)

  /** A hook of its own name, and a function that makes an instance with it. */
  async function newHook(t: Test) {
    const name = `onUserCreated:${randomUUID()}`
    await log.begin(name)
    const clock = shiftableClock()
    const instance = (run: HookFunction<UserCreated>, changes: Partial<HookWorkerParts<'onUserCreated'>> = {}) => {
      const worker = hookWorker({
        hook: { kind: 'onUserCreated', name, run },
        log,
        clock,
        holder: randomUUID(),
        logger: silent,
        retentionSeconds: 120 * 24 * hour,
        ...changes,
        timing: { close: 0.05, ...changes.timing }
      })
      t.teardown(worker.close)
      return worker
    }
    /** As if the holder had died long ago. */
    const expireLease = () => sql(database, 'UPDATE lease SET expires_at = now() WHERE task = $1', `hook:${name}`)
    const savedPosition = async () => (await log.cursor(name))?.position ?? -1n
    return { name, clock, instance, expireLease, savedPosition }
  }

  const newUsers = async (count: number) => {
    const ids: string[] = []
    for (let made = 0; made < count; made += 1) ids.push((await addUser(stores)).id)
    return ids
  }

  /** A hook that notes whom it was called for. */
  function noting() {
    const users: string[] = []
    return { users, run: async ({ userId }: UserCreated) => void users.push(userId) }
  }

  t.test('a hook gets each event once, in order, and nothing from before its first start', async (t) => {
    await newUsers(2)
    const { instance, savedPosition } = await newHook(t)
    const { users, run } = noting()
    const worker = instance(run)
    await worker.turn()
    t.strictSame(users, [])
    const created = await newUsers(3)
    await worker.turn()
    await worker.turn()
    t.strictSame(users, created)
    t.strictSame(worker.state.counts(), { delivered: 3, failed: 0 })
    t.ok((await savedPosition()) > 0n)
    t.ok(worker.state.lagSeconds() < 60)
  })

  t.test('events that were written while no instance had the hook are delivered later', async (t) => {
    const { instance } = await newHook(t)
    const before = noting()
    const first = instance(before.run)
    const seen = await newUsers(1)
    await first.turn()
    await first.close()
    const unseen = await newUsers(2)
    const { users, run } = noting()
    await instance(run).turn()
    t.strictSame(before.users, seen)
    t.strictSame(
      users.filter((id) => !seen.includes(id)),
      unseen
    )
  })

  t.test('a hook that throws for an hour loses nothing, shows it, and recovers', async (t) => {
    const lines: { readonly message: string; readonly fields: object }[] = []
    const note = (fields: object, message: string) => void lines.push({ fields, message })
    const { instance, clock } = await newHook(t)
    const { users, run } = noting()
    let isBroken = true
    let calls = 0
    const worker = instance(
      async (event) => {
        calls += 1
        if (isBroken) throw new Error('the other system is down')
        await run(event)
      },
      { logger: { ...silent, info: note, warn: note } }
    )
    const created = await newUsers(3)
    for (let seconds = 0; seconds < hour; seconds += 10) {
      await worker.turn()
      clock.shiftSeconds += 10
    }
    t.strictSame(users, [])
    t.ok(calls > 50 && calls < 75, `${calls} calls in an hour: more often at its beginning`)
    t.equal(worker.state.counts().failed, calls)
    t.ok(worker.state.lagSeconds() > hour - 60)
    t.match(lines[0], {
      message: 'hook: failed',
      fields: { failures: 1, pauseSeconds: 1, reason: 'the other system is down' }
    })

    const failures = calls
    isBroken = false
    created.push(...(await newUsers(1)))
    clock.shiftSeconds += 60
    await worker.turn()
    t.strictSame(users, created)
    t.match(lines.at(-1), { message: 'hook: works again', fields: { failures } })
    await worker.turn()
    t.ok(worker.state.lagSeconds() < 60)
  })

  t.test('an event whose call fails is delivered before those behind it', async (t) => {
    const { instance, clock } = await newHook(t)
    const { users, run } = noting()
    const created = await newUsers(3)
    const bad = created[1]
    let failures = 2
    const worker = instance(async (event) => {
      if (event.userId === bad && failures > 0) {
        failures -= 1
        throw new Error('not yet')
      }
      await run(event)
    })
    await worker.turn()
    t.strictSame(users, created.slice(0, 1))
    await worker.turn()
    t.equal(failures, 1, 'the pause is kept')
    clock.shiftSeconds += 1
    await worker.turn()
    clock.shiftSeconds += 2
    await worker.turn()
    t.strictSame(users, created)
  })

  for (const [what, fail] of Object.entries<HookFunction<UserCreated>>({
    'throws before it returns a promise': () => {
      throw new Error('at once')
    },
    'throws something that has no text': () => {
      throw Object.create(null)
    },
    'rejects with nothing': () => Promise.reject(),
    'never ends': () => new Promise(() => undefined)
  })) {
    t.test(`a hook that ${what} gets the same event again`, async (t) => {
      const { instance, clock } = await newHook(t)
      const { users, run } = noting()
      let isFirst = true
      const worker = instance(
        (event, signal) => {
          if (!isFirst) return run(event)
          isFirst = false
          return fail(event, signal)
        },
        { timing: { call: 0.02 } }
      )
      const created = await newUsers(1)
      await worker.turn()
      t.strictSame(users, [])
      t.equal(worker.state.counts().failed, 1)
      clock.shiftSeconds += 1
      await worker.turn()
      t.strictSame(users, created)
    })
  }

  t.test('the signal of a call that takes too long is aborted', async (t) => {
    const { instance } = await newHook(t)
    await newUsers(1)
    let reason: unknown
    const call: HookFunction<UserCreated> = (_event, signal) =>
      new Promise(() => signal.addEventListener('abort', () => (reason = signal.reason)))
    await instance(call, { timing: { call: 0.02 } }).turn()
    t.match(reason, { message: 'The call took longer than 0.02 s.' })
  })

  t.test('what a call changes in its event is not seen by the next attempt', async (t) => {
    const { instance, clock } = await newHook(t)
    const seen: string[] = []
    const worker = instance(async (event) => {
      seen.push(event.userId)
      Object.assign(event, { userId: 'changed' })
      if (seen.length === 1) throw new Error('once more')
    })
    const [user] = await newUsers(1)
    await worker.turn()
    clock.shiftSeconds += 1
    await worker.turn()
    t.strictSame(seen, [user, user])
  })

  t.test('of several instances one at a time has the hook, and nothing is delivered twice', async (t) => {
    const { instance } = await newHook(t)
    const { users, run } = noting()
    const workers = Array.from({ length: 4 }, () => instance(run))
    await Promise.all(workers.map((worker) => worker.turn()))
    const created = await newUsers(5)
    for (let round = 0; round < 3; round += 1) await Promise.all(workers.map((worker) => worker.turn()))
    t.strictSame(users, created)
    t.equal(workers.filter(({ state }) => state.counts().delivered > 0).length, 1)
    for (const { state } of workers) t.ok(state.lagSeconds() < 60, 'each instance knows how old the hook is')
  })

  t.test('if the holder dies in the middle of a call, another instance delivers that event and the rest', async (t) => {
    const { instance, clock, expireLease } = await newHook(t)
    const users: string[] = []
    const dies = instance(async ({ userId }) => {
      users.push(userId)
      if (users.length === 2) await new Promise(() => undefined)
    })
    const other = noting()
    const survivor = instance(other.run)
    const created = await newUsers(4)
    void dies.turn()
    await t.resolves(until(() => users.length === 2))
    await survivor.turn()
    t.strictSame(other.users, [], 'it does not have the hook yet')
    await expireLease()
    clock.shiftSeconds += 5
    await survivor.turn()
    t.strictSame(created.slice(0, 2), users)
    t.ok(created.slice(1).every((id) => other.users.includes(id)))
    t.strictSame(other.users, created.slice(-other.users.length), 'in order')
  })

  t.test('an instance that stood still for longer than its lease does not set the cursor back', async (t) => {
    const { instance, clock, expireLease, savedPosition } = await newHook(t)
    const slow = noting()
    const worker = instance(slow.run)
    await newUsers(1)
    await worker.turn()
    await expireLease()
    const { run } = noting()
    const other = instance(run)
    await newUsers(2)
    await other.turn()
    const position = await savedPosition()
    clock.shiftSeconds += 120
    await worker.turn()
    t.equal(await savedPosition(), position)
    await other.close()
    clock.shiftSeconds += 5
    const before = slow.users.length
    const created = await newUsers(1)
    await worker.turn()
    t.strictSame(slow.users.slice(before).at(-1), created[0], 'it goes on once the other has given the hook back')
  })

  t.test('closing waits for the call that runs, and gives the hook back', async (t) => {
    const { instance } = await newHook(t)
    const finish: (() => void)[] = []
    const worker = instance(() => new Promise<void>((resolve) => finish.push(resolve)), { timing: { close: 60 } })
    const created = await newUsers(2)
    const turn = worker.turn()
    await until(() => finish.length === 1)
    const closing = worker.close()
    finish[0]?.()
    await Promise.all([turn, closing])
    t.equal(finish.length, 1, 'no other call begins')
    const { users, run } = noting()
    await instance(run).turn()
    t.strictSame(users, created.slice(1))
  })

  t.test('closing abandons a call that goes on, and its event is delivered again later', async (t) => {
    const { instance } = await newHook(t)
    let reason: unknown
    let isCalled = false
    const worker = instance((_event, signal) => {
      isCalled = true
      signal.addEventListener('abort', () => (reason = signal.reason))
      return new Promise(() => undefined)
    })
    const created = await newUsers(1)
    const turn = worker.turn()
    await until(() => isCalled)
    await worker.close()
    await turn
    t.match(reason, { message: 'The app closes.' })
    t.strictSame(worker.state.counts(), { delivered: 0, failed: 0 })
    const { users, run } = noting()
    await instance(run).turn()
    t.strictSame(users, created)
  })

  t.test('while the database is away nothing is lost, and nothing is delivered twice afterwards', async (t) => {
    let isAway = false
    const away = <Method extends (...values: never[]) => Promise<unknown>>(method: Method): Method =>
      ((...values: never[]) => (isAway ? Promise.reject(new Error('away')) : method(...values))) as Method
    const flaky: HookLog = {
      ...log,
      claim: away(log.claim),
      cursor: away(log.cursor),
      begin: away(log.begin),
      save: away(log.save),
      read: away(log.read) as HookLog['read']
    }
    const { instance } = await newHook(t)
    const { users, run } = noting()
    const worker = instance(
      async (event) => {
        await run(event)
        if (users.length === 2) isAway = true
      },
      { log: flaky, timing: { saveBusy: 0 } }
    )
    const created = await newUsers(3)
    await worker.turn()
    await worker.turn()
    t.strictSame(users, created.slice(0, 2))
    isAway = false
    created.push(...(await newUsers(1)))
    await worker.turn()
    t.strictSame(users, created)
  })

  t.test('a hook that has been down for longer than events are kept says so', async (t) => {
    const warnings: string[] = []
    const { instance, name } = await newHook(t)
    await sql(database, `UPDATE hook SET caught_up_at = caught_up_at - interval '121 days' WHERE name = $1`, name)
    const { users, run } = noting()
    const logger = { ...silent, warn: (_fields: object, message: string) => void warnings.push(message) }
    const worker = instance(run, { logger })
    const created = await newUsers(2)
    await worker.turn()
    await worker.turn()
    t.strictSame(users, created, 'and gets what is left')
    t.strictSame(warnings, ['hook: events that it has not seen may have been purged'])
  })

  t.test('a hook that does nothing costs a read in each turn, and few writes', async (t) => {
    const { instance, clock } = await newHook(t)
    const counted: Record<string, number> = {}
    const counting = Object.fromEntries(
      Object.entries(log).map(([method, call]) => [
        method,
        (...values: never[]) => {
          counted[method] = (counted[method] ?? 0) + 1
          return (call as (...values: never[]) => unknown)(...values)
        }
      ])
    ) as unknown as HookLog
    const worker = instance(async () => undefined, { log: counting })
    for (let second = 0; second < 60; second += 1) {
      await worker.turn()
      clock.shiftSeconds += 1
    }
    t.match(counted, { begin: 1, cursor: 1, read: 60 })
    t.ok(Number(counted.claim) <= 7 && Number(counted.save) <= 7, JSON.stringify(counted))
  })
})

/** Resolves once `condition` is true. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
