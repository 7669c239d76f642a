import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { addUser, eventsOf, login, ops, policy, reread, type Stores, tryLogin } from './stores.js'

/** The promises of every `SessionStore` about creating, using and renaming sessions. */
export function testSessions(t: Test, stores: Stores): void {
  const { sessions } = stores

  t.test('create returns the session as find reads it, and writes its ends and its event', async (t) => {
    const user = await addUser(stores, { roles: ['editor'] })
    const request = {
      device: 'Phone',
      userAgent: 'Browser 1',
      ip: '2001:db8::1',
      amr: ['pwd', 'otp'],
      mode: 'body'
    } as const
    const session = await login(stores, user, { ...request, amr: [...request.amr] })

    t.match(session, {
      ...request,
      userId: user.id,
      generation: 0,
      rotatedAt: null,
      retryKeyHash: null,
      keyUsed: false
    })
    t.equal(session.recoveredGeneration, null)
    t.equal(session.createdAt, session.now)
    t.equal(session.authTime, session.now)
    t.equal(session.idleExpiresAt, session.now + policy.refreshIdleTtlSeconds * 1000)
    t.equal(session.absoluteExpiresAt, session.now + policy.refreshAbsoluteTtlSeconds * 1000)
    t.same(session.user, {
      id: user.id,
      email: user.email,
      roles: ['editor'],
      disabled: false,
      createdAt: user.createdAt,
      attributes: {},
      externalId: null
    })

    const { now, ...found } = await reread(stores, session)
    const { now: createdNow, ...created } = session
    t.same(found, created)
    t.ok(now >= createdNow)
    t.match(await eventsOf(stores, { sessionId: session.id }), [
      { type: 'login_succeeded', userId: user.id, actorId: user.id, reason: null }
    ])
  })

  t.test('the user was authenticated when the login says so, but never in the future', async (t) => {
    const user = await addUser(stores)
    const { now } = await login(stores, user)
    const hourAgo = now - 3_600_000
    const [earlier, later] = [
      await login(stores, user, { authTime: hourAgo }),
      await login(stores, user, { authTime: now + 3_600_000 })
    ]
    t.equal(earlier.authTime, hourAgo)
    t.equal((await reread(stores, earlier)).authTime, hourAgo)
    t.equal(later.authTime, later.now)
  })

  t.test('the idle end is never later than the absolute end', async (t) => {
    const session = await login(stores, await addUser(stores), { idleTtlSeconds: 500, absoluteTtlSeconds: 300 })
    t.equal(session.idleExpiresAt, session.absoluteExpiresAt)
  })

  t.test('create refuses a login whose proof is outdated, and then changes nothing', async (t) => {
    const user = await addUser(stores)
    const kept = await login(stores, user)
    const refused = (passwordHash: string, userId = user.id) =>
      tryLogin(stores, { ...user, id: userId, passwordHash }, { maxPerUser: 1, replaces: kept.id })

    t.equal(await refused('another'), 'user_changed')
    t.equal(await refused(user.passwordHash, randomUUID()), 'user_changed')
    t.ok(await sessions.find(kept.id), 'no session is evicted or replaced')
    await stores.users.update(user.id, { disabled: true }, ops)
    t.equal(await refused(user.passwordHash), 'user_changed')
    t.same(await sessions.listOfUser(user.id), [])
    t.equal((await eventsOf(stores, { type: 'login_succeeded', userId: user.id })).length, 1)
  })

  t.test('the oldest sessions above the limit end, and expired sessions do not count', async (t) => {
    const user = await addUser(stores)
    const expired = await login(stores, user, { idleTtlSeconds: 5 })
    await stores.age(10)
    const oldest = await login(stores, user)
    await stores.age(10)
    const older = await login(stores, user)
    await stores.age(10)
    const created = await tryLogin(stores, user, { maxPerUser: 2 })

    if (created === 'user_changed') return t.fail('refused')
    t.match(created.revocations, [{ sid: oldest.id, reason: 'session_limit' }])
    t.same(
      (await sessions.listOfUser(user.id)).map(({ id }) => id),
      [created.session.id, older.id]
    )
    t.equal((await stores.events.endingOf(oldest.id))?.reason, 'session_limit')
    t.ok(await sessions.find(expired.id))
  })

  t.test('concurrent logins never leave more sessions than the limit', async (t) => {
    const user = await addUser(stores)
    await Promise.all(Array.from({ length: 12 }, () => login(stores, user, { maxPerUser: 3 })))
    t.equal((await sessions.listOfUser(user.id)).length, 3)
  })

  t.test('the replaced session ends, also that of another user, and does not count', async (t) => {
    const user = await addUser(stores)
    const before = await login(stores, await addUser(stores))
    const own = await login(stores, user)
    const created = await tryLogin(stores, user, { replaces: before.id })
    if (created === 'user_changed') return t.fail('refused')
    t.match(created.revocations, [{ sid: before.id, reason: 'replaced' }])
    t.equal(await sessions.find(before.id), undefined)
    t.equal((await stores.events.endingOf(before.id))?.reason, 'replaced')

    const again = await tryLogin(stores, user, { replaces: own.id, maxPerUser: 2 })
    t.match(again, { revocations: [{ sid: own.id, reason: 'replaced' }] })
    t.equal((await sessions.listOfUser(user.id)).length, 2)
    const [newest] = await sessions.listOfUser(user.id)
    t.match(await tryLogin(stores, user, { replaces: newest?.id ?? '', maxPerUser: 2 }), {
      revocations: [{ sid: newest?.id, reason: 'replaced' }]
    })
    t.equal((await sessions.listOfUser(user.id)).length, 2)
    t.match(await tryLogin(stores, user, { replaces: randomUUID() }), { revocations: [] })
  })

  t.test('touch moves the idle end of a server-side session, never past the absolute end', async (t) => {
    const user = await addUser(stores)
    const [session, brief, cookie, expired] = await Promise.all([
      login(stores, user, { mode: 'session' }),
      login(stores, user, { mode: 'session', idleTtlSeconds: 200, absoluteTtlSeconds: 300 }),
      login(stores, user),
      login(stores, user, { mode: 'session', idleTtlSeconds: 50 })
    ])
    await stores.age(100)
    const seen = await Promise.all([brief, cookie, expired].map((each) => reread(stores, each)))
    for (const { id } of [session, brief, cookie, expired]) await sessions.touch(id)
    await sessions.touch(randomUUID())

    const touched = await reread(stores, session)
    t.ok(touched.now - touched.lastUsedAt < 20_000)
    t.equal(touched.idleExpiresAt, touched.lastUsedAt + policy.refreshIdleTtlSeconds * 1000)
    t.match(touched, { generation: 0, rotatedAt: null })
    t.equal((await reread(stores, brief)).idleExpiresAt, seen[0]?.absoluteExpiresAt)
    t.equal((await reread(stores, cookie)).idleExpiresAt, seen[1]?.idleExpiresAt)
    t.equal((await reread(stores, expired)).idleExpiresAt, seen[2]?.idleExpiresAt)
  })

  t.test('rename changes only a live session of that user', async (t) => {
    const session = await login(stores, await addUser(stores))
    t.equal(await sessions.rename(session.id, randomUUID(), 'Theirs'), undefined)
    t.equal(await sessions.rename(randomUUID(), session.userId, 'Gone'), undefined)
    t.equal((await reread(stores, session)).device, null)
    t.match(await sessions.rename(session.id, session.userId, 'Laptop'), { id: session.id, device: 'Laptop' })
    t.match(await sessions.rename(session.id, session.userId, null), { device: null })
    await stores.age(policy.refreshIdleTtlSeconds)
    t.equal(await sessions.rename(session.id, session.userId, 'Late'), undefined)
  })
}
