import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { LiveSession } from '../../src/ports/sessions.js'
import { addUser, attempt, digest, eventsOf, login, ops, policy, reread, type Stores } from './stores.js'

/** The promises of every `SessionStore` about rotating sessions. */
export function testRotation(t: Test, stores: Stores): void {
  const { sessions } = stores

  t.test('rotate moves a row at the presented generation, and changes only its idle end', async (t) => {
    const session = await login(stores, await addUser(stores))
    await stores.age(100)
    const before = await reread(stores, session)
    const rotated = await sessions.rotate(attempt(before, digest('key')))
    if (rotated === undefined) return t.fail('refused')

    t.equal(rotated.generation, 1)
    t.equal(rotated.idleExpiresAt, rotated.now + policy.refreshIdleTtlSeconds * 1000)
    t.equal(rotated.absoluteExpiresAt, before.absoluteExpiresAt)
    const found = await reread(stores, session)
    t.match(found, { rotatedAt: rotated.now, lastUsedAt: rotated.now, retryKeyHash: digest('key') })
    t.match(found, { ...rotated, now: Number })
    t.ok(found.now >= rotated.now)
  })

  t.test('each use keeps the time of the last use before its own five minutes', async (t) => {
    const strict = stores.sessionsUnder({ graceSeconds: 0 })
    const check = async (id: string, use: (seen: LiveSession) => Promise<unknown>) => {
      const before = await reread(stores, { id })
      await use(before)
      const after = await reread(stores, { id })
      const startOfStep = after.lastUsedAt - (after.lastUsedAt % 300_000)
      t.equal(after.usedBeforeAt, before.lastUsedAt < startOfStep ? before.lastUsedAt : before.usedBeforeAt)
    }
    const { id } = await login(stores, await addUser(stores))
    const { id: opaque } = await login(stores, await addUser(stores), { mode: 'session' })
    await stores.age(600)
    await check(id, (seen) => strict.rotate(attempt(seen)))
    await check(id, (seen) => strict.rotate(attempt(seen)))
    await check(opaque, () => sessions.touch(opaque))
    await check(opaque, () => sessions.touch(opaque))
    await stores.age(600)
    await check(id, (seen) => strict.advance(seen, { kind: 'recover', generation: 2, retryKeyHash: null }, ops))
  })

  t.test('rotate never moves the idle end past the absolute end', async (t) => {
    const session = await login(stores, await addUser(stores), { absoluteTtlSeconds: 300, idleTtlSeconds: 200 })
    const rotated = await sessions.rotate(attempt(session))
    t.equal(rotated?.idleExpiresAt, session.absoluteExpiresAt)
  })

  t.test('rotate changes nothing if generation, secret hash or id do not match', async (t) => {
    const session = await login(stores, await addUser(stores))
    t.equal(await sessions.rotate({ ...attempt(session), generation: 1 }), undefined)
    t.equal(await sessions.rotate({ ...attempt(session), secretHash: digest('other') }), undefined)
    t.equal(await sessions.rotate({ ...attempt(session), sid: randomUUID() }), undefined)
    t.match(await reread(stores, session), { generation: 0, rotatedAt: null, lastUsedAt: session.lastUsedAt })
  })

  t.test('rotate refuses within the grace window, except for a new session', async (t) => {
    const session = await login(stores, await addUser(stores))
    t.ok(await sessions.rotate(attempt(session)), 'a new session rotates at once')
    const first = await reread(stores, session)
    t.equal(await sessions.rotate(attempt(first)), undefined)
    await stores.age(policy.graceSeconds - 10)
    t.equal(await sessions.rotate(attempt(first)), undefined)
    await stores.age(10)
    t.match(await sessions.rotate(attempt(first)), { generation: 2 })
  })

  t.test('without a grace window every refresh rotates', async (t) => {
    const strict = stores.sessionsUnder({ graceSeconds: 0 })
    let session = await login(stores, await addUser(stores))
    for (const generation of [1, 2, 3]) {
      const rotated = await strict.rotate(attempt(session))
      t.equal(rotated?.generation, generation)
      session = await reread(stores, session)
    }
  })

  t.test('rotate refuses an expired session, a disabled user and modes without refresh token', async (t) => {
    const user = await addUser(stores)
    const idle = await login(stores, user, { idleTtlSeconds: 50 })
    const absolute = await login(stores, user, { absoluteTtlSeconds: 60, idleTtlSeconds: 60 })
    const live = await login(stores, user)
    await stores.age(70)
    t.equal(await sessions.rotate(attempt(idle)), undefined)
    t.equal(await sessions.rotate(attempt(absolute)), undefined)
    for (const mode of ['session', 'access'] as const) {
      t.equal(await sessions.rotate(attempt(await login(stores, user, { mode }))), undefined, mode)
    }
    t.ok(await sessions.rotate(attempt(live)))
    t.match(await sessions.find(idle.id), { generation: 0 }, 'find still returns an expired session')
  })

  t.test('of fifty concurrent refreshes exactly one rotates', async (t) => {
    const session = await login(stores, await addUser(stores))
    const rotated = await Promise.all(Array.from({ length: 50 }, () => sessions.rotate(attempt(session))))
    t.equal(rotated.filter((row) => row !== undefined).length, 1)
    t.match(await reread(stores, session), { generation: 1 })
  })

  t.test('a generation can be as large as four bytes allow', async (t) => {
    const session = await login(stores, await addUser(stores))
    t.ok(await sessions.advance(session, { kind: 'restore', generation: 4_294_967_290, retryKeyHash: null }, {}))
    await stores.age(policy.graceSeconds)
    const rotated = await sessions.rotate(attempt(await reread(stores, session)))
    t.equal(rotated?.generation, 4_294_967_291)
  })

  t.test('advance applies a verdict if the row is unchanged since it was read', async (t) => {
    const session = await login(stores, await addUser(stores))
    t.ok(await sessions.rotate(attempt(session, digest('key'))))
    const { rotatedAt } = await reread(stores, session)
    await stores.age(100)
    const seen = await reread(stores, session)
    t.not(rotatedAt, seen.rotatedAt)

    t.equal(await sessions.advance(seen, { kind: 'renew', generation: 1, retryKeyHash: digest('key') }, ops), true)
    const renewed = await reread(stores, session)
    t.match(renewed, { generation: 1, retryKeyHash: digest('key'), recoveredGeneration: 1 })
    t.ok(renewed.now - (renewed.rotatedAt ?? 0) < 20_000)
    t.equal(renewed.lastUsedAt, renewed.rotatedAt)
    t.equal(renewed.idleExpiresAt, renewed.lastUsedAt + policy.refreshIdleTtlSeconds * 1000)
    t.equal(
      await sessions.advance(seen, { kind: 'recover', generation: 1, retryKeyHash: null }, ops),
      false,
      'the row has changed'
    )

    const elsewhere = { ...renewed, generation: 0 }
    t.equal(await sessions.advance(elsewhere, { kind: 'restore', generation: 5, retryKeyHash: null }, ops), false)

    t.equal(await sessions.advance(renewed, { kind: 'recover', generation: 1, retryKeyHash: null }, ops), true)
    const recovered = await reread(stores, session)
    t.match(recovered, { generation: 1, recoveredGeneration: 1, retryKeyHash: null })
    t.equal(await sessions.advance(recovered, { kind: 'restore', generation: 8, retryKeyHash: null }, ops), true)
    t.match(await reread(stores, session), { generation: 8, recoveredGeneration: 1 })
    t.match(await eventsOf(stores, { sessionId: session.id }), [
      { type: 'refresh_restored', reason: null, userId: session.userId, actorId: ops.userId, ip: ops.ip },
      { type: 'refresh_recovered', reason: 'recovery', userId: session.userId, userAgent: 'ops' },
      { type: 'refresh_recovered', reason: 'idempotency_key', userId: session.userId, userAgent: 'ops' },
      { type: 'login_succeeded' }
    ])
  })

  t.test('a session that has used a key remembers it, whatever moves it later', async (t) => {
    const withKey = digest('key')
    const moved = async (key: string | null, kind: 'renew' | 'recover' | 'restore') => {
      const session = await login(stores, await addUser(stores))
      t.equal(session.keyUsed, false, 'a new session')
      t.ok(await sessions.rotate(attempt(session)))
      t.match(await reread(stores, session), { keyUsed: false, retryKeyHash: null })
      await sessions.advance(await reread(stores, session), { kind, generation: 1, retryKeyHash: key }, {})
      return reread(stores, session)
    }
    for (const kind of ['renew', 'recover', 'restore'] as const) {
      t.match(await moved(null, kind), { keyUsed: false }, `${kind} without a key`)
      const session = await moved(withKey, kind)
      t.match(session, { keyUsed: true }, `${kind} with a key`)
      t.ok(await sessions.advance(session, { kind, generation: 1, retryKeyHash: null }, {}))
      t.match(await reread(stores, session), { keyUsed: true, retryKeyHash: null }, `${kind} without it afterwards`)
    }
    const session = await login(stores, await addUser(stores))
    t.ok(await sessions.rotate(attempt(session, withKey)))
    t.match(await reread(stores, session), { keyUsed: true, retryKeyHash: withKey })
    await stores.age(policy.graceSeconds)
    t.ok(await sessions.rotate(attempt(await reread(stores, session))))
    t.match(await reread(stores, session), { keyUsed: true, retryKeyHash: null })
  })

  t.test('of twenty concurrent recoveries one is applied', async (t) => {
    const session = await login(stores, await addUser(stores))
    await sessions.rotate(attempt(session))
    const seen = await reread(stores, session)
    const step = { kind: 'recover', generation: 1, retryKeyHash: null } as const
    await stores.age(0)
    const advanced = await Promise.all(Array.from({ length: 20 }, () => sessions.advance(seen, step, {})))
    t.equal(advanced.filter(Boolean).length, 1)
    t.equal((await eventsOf(stores, { sessionId: session.id, type: 'refresh_recovered' })).length, 1)
  })

  t.test('advance brings back no ended or expired session', async (t) => {
    const user = await addUser(stores)
    const ended = await login(stores, user)
    const expired = await login(stores, user, { idleTtlSeconds: 50 })
    await sessions.end({ sid: ended.id }, 'logged_out', {})
    await stores.age(60)
    const step = { kind: 'restore', generation: 5, retryKeyHash: null } as const
    t.equal(await sessions.advance(ended, step, {}), false)
    t.equal(await sessions.advance(await reread(stores, expired), step, {}), false)
    t.equal(await sessions.find(ended.id), undefined)
    t.equal((await eventsOf(stores, { userId: user.id, type: 'refresh_restored' })).length, 0)
  })
}
