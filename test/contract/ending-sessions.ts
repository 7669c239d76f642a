import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { LiveSession, Replacement } from '../../src/ports/sessions.js'
import type { UserWithPassword } from '../../src/ports/users.js'
import {
  addUser,
  attempt,
  changed,
  digest,
  eventsOf,
  login,
  ops,
  policy,
  replacementOf,
  reread,
  type Stores,
  tryLogin
} from './stores.js'

const skewSeconds = 60

/** The promises of every `SessionStore` about ending sessions. */
export function testEndings(t: Test, stores: Stores): void {
  const { sessions, events } = stores

  t.test('end deletes the row and writes the revocation and the event', async (t) => {
    const session = await login(stores, await addUser(stores))
    const revocation = await sessions.end({ sid: session.id }, 'revoked_by_admin', ops, { note: 'stolen laptop' })
    if (revocation === undefined) return t.fail('nothing ended')

    t.match(revocation, { sid: session.id, reason: 'revoked_by_admin' })
    t.equal(typeof revocation.id, 'bigint')
    t.equal(revocation.expiresAt - revocation.at, (policy.accessTokenTtlSeconds + skewSeconds) * 1000)
    t.equal(await sessions.find(session.id), undefined)
    t.equal(await sessions.rotate(attempt(session)), undefined)
    t.equal((await events.endingOf(session.id))?.reason, 'revoked_by_admin')
    const [event] = await eventsOf(stores, { sessionId: session.id })
    t.match(event, {
      type: 'session_ended',
      userId: session.userId,
      actorId: ops.userId,
      reason: 'revoked_by_admin',
      note: 'stolen laptop',
      ip: ops.ip,
      userAgent: ops.userAgent
    })
  })

  t.test('of twenty concurrent ends one ends the session, and the others return undefined', async (t) => {
    const session = await login(stores, await addUser(stores))
    const all = await Promise.all(Array.from({ length: 20 }, () => sessions.end({ sid: session.id }, 'logged_out', {})))
    t.equal(all.filter((revocation) => revocation !== undefined).length, 1)
    t.equal(await sessions.end({ sid: session.id }, 'logged_out', {}), undefined)
    t.equal((await eventsOf(stores, { sessionId: session.id, type: 'session_ended' })).length, 1)
  })

  t.test('an end by a token ends no session that has rotated past it, has another secret, or is over', async (t) => {
    const session = await login(stores, await addUser(stores))
    const { id: sid, secretHash, userId } = session
    t.ok(await sessions.rotate(attempt(session)))
    const end = { sid, secretHash, newestGeneration: 1, actor: { ip: '192.0.2.9', userAgent: 'a browser' } }
    t.equal(await sessions.endByToken({ ...end, newestGeneration: 0 }), undefined, 'an older token')
    t.equal(await sessions.endByToken({ ...end, secretHash: digest('another') }), undefined)
    t.equal((await sessions.find(sid))?.generation, 1, 'it lives')

    const revocation = await sessions.endByToken(end)
    t.match(revocation, { sid, reason: 'logged_out', id: BigInt })
    t.equal((revocation?.expiresAt ?? 0) - (revocation?.at ?? 0), (policy.accessTokenTtlSeconds + skewSeconds) * 1000)
    t.equal(await sessions.find(sid), undefined)
    t.equal(await sessions.endByToken(end), undefined, 'it has ended')
    const [event] = await eventsOf(stores, { sessionId: sid, type: 'session_ended' })
    t.match(event, { userId, actorId: null, reason: 'logged_out', ip: '192.0.2.9', userAgent: 'a browser' })

    const restored = await login(stores, await addUser(stores))
    t.ok(await sessions.endByToken({ ...end, sid: restored.id, secretHash: restored.secretHash, newestGeneration: 5 }))
    const old = await login(stores, await addUser(stores), { idleTtlSeconds: 0 })
    t.equal(await sessions.endByToken({ ...end, sid: old.id, secretHash: old.secretHash }), undefined)
  })

  t.test('simultaneous ends by tokens end each session once, for the client that asked', async (t) => {
    const user = await addUser(stores)
    const all = await Promise.all(Array.from({ length: 12 }, () => login(stores, user)))
    const ends = all.map(({ id: sid, secretHash }, i) => ({
      ...{ sid, secretHash, newestGeneration: 0 },
      actor: { ip: `192.0.2.${i}` }
    }))
    const results = await Promise.all([...ends, ...ends].map((end) => sessions.endByToken(end)))
    for (const [i, { sid, actor }] of ends.entries()) {
      t.equal([results[i], results[i + ends.length]].filter((result) => result?.sid === sid).length, 1)
      const events = await eventsOf(stores, { sessionId: sid, type: 'session_ended' })
      t.match(events, [{ ip: actor.ip, reason: 'logged_out' }])
      t.equal(events.length, 1)
    }
  })

  t.test('an end with another or an undefined user id or secret hash ends nothing', async (t) => {
    const session = await login(stores, await addUser(stores))
    const sid = session.id
    const { userId, secretHash } = session
    for (const mismatch of [
      { userId: randomUUID() },
      { secretHash: digest('other') },
      { userId: undefined },
      { secretHash: undefined },
      { userId, secretHash: digest('other') }
    ]) {
      t.equal(await sessions.end({ sid, ...mismatch }, 'revoked_by_user', {}), undefined)
    }
    t.equal((await events.endingOf(sid))?.reason, undefined)
    t.ok(await sessions.end({ sid, userId, secretHash }, 'revoked_by_user', {}))
  })

  t.test('endAllOfUser ends all sessions of one user except keepSid', async (t) => {
    const [user, other] = [await addUser(stores), await addUser(stores)]
    const [kept, first, second, others] = [
      await login(stores, user),
      await login(stores, user),
      await login(stores, user, { mode: 'session' }),
      await login(stores, other)
    ]
    const ended = await sessions.endAllOfUser(user.id, { keepSid: kept.id, reason: 'revoked_by_user', note: 'n' }, ops)
    t.same(ended.map(({ sid }) => sid).sort(), [first.id, second.id].sort())
    t.equal((await events.endingOf(first.id))?.reason, 'revoked_by_user')
    t.match(await eventsOf(stores, { sessionId: second.id, type: 'session_ended' }), [
      { note: 'n', actorId: ops.userId }
    ])
    t.same(
      (await sessions.listOfUser(user.id)).map(({ id }) => id),
      [kept.id]
    )

    t.match(await sessions.endAllOfUser(user.id, { reason: 'revoked_by_admin' }, ops), [{ sid: kept.id }])
    t.same(await sessions.endAllOfUser(user.id, { reason: 'revoked_by_admin' }, ops), [])
    t.same(await sessions.endAllOfUser(randomUUID(), { reason: 'revoked_by_admin' }, ops), [])
    t.ok(await sessions.find(others.id))
  })

  t.test('a session that was replaced after or with its end keeps its first reason', async (t) => {
    const user = await addUser(stores)
    const noted = await login(stores, user)
    await sessions.end({ sid: noted.id }, 'user_disabled', {})
    t.strictSame(await events.endingOf(noted.id), { reason: 'user_disabled', alsoReplaced: false })
    await events.record({ type: 'session_ended', sessionId: noted.id, reason: 'replaced' }, {})
    t.strictSame(await events.endingOf(noted.id), { reason: 'user_disabled', alsoReplaced: true })

    const atOnce = await login(stores, user)
    t.match(await sessions.end({ sid: atOnce.id }, 'reuse_detected', {}, { isReplaced: true }), {
      reason: 'reuse_detected'
    })
    t.strictSame(await events.endingOf(atOnce.id), { reason: 'reuse_detected', alsoReplaced: true })

    const only = await login(stores, user)
    await sessions.end({ sid: only.id }, 'replaced', {}, { isReplaced: true })
    t.strictSame(await events.endingOf(only.id), { reason: 'replaced', alsoReplaced: false })
    t.equal((await eventsOf(stores, { sessionId: only.id, type: 'session_ended' })).length, 1)
  })

  t.test('endAll writes one revocation and one event, and every session still has its ended reason', async (t) => {
    const loggedOut = await login(stores, await addUser(stores))
    await sessions.end({ sid: loggedOut.id }, 'logged_out', {})
    const all = [await login(stores, await addUser(stores)), await login(stores, await addUser(stores))]
    const { count, revocation } = await sessions.endAll(ops)
    const timeline = async (sessionId: string) => (await eventsOf(stores, { sessionId })).map(({ type }) => type)

    t.ok(count >= 2)
    t.match(revocation, { sid: null, reason: 'revoked_by_admin' })
    t.ok(revocation.at >= Math.max(...all.map(({ now }) => now)))
    t.equal(revocation.expiresAt - revocation.at, (policy.accessTokenTtlSeconds + skewSeconds) * 1000)
    t.match(await eventsOf(stores, { type: 'everybody_revoked' }), [
      { actorId: ops.userId, ip: ops.ip, userAgent: 'ops' }
    ])
    for (const { id } of all) {
      t.equal(await sessions.find(id), undefined)
      t.equal((await events.endingOf(id))?.reason, 'revoked_by_admin')
      t.strictSame(await timeline(id), ['everybody_revoked', 'login_succeeded'], 'it has no event of its own')
    }
    t.strictSame(await timeline(loggedOut.id), ['session_ended', 'login_succeeded'])
    t.equal((await events.endingOf(loggedOut.id))?.reason, 'logged_out')
    t.equal((await events.endingOf(randomUUID()))?.reason, undefined)

    const later = await login(stores, await addUser(stores))
    t.ok(await sessions.find(later.id), 'also a session of the same millisecond is a later one')
    t.equal((await events.endingOf(later.id))?.reason, undefined)
    await sessions.end({ sid: later.id }, 'logged_out', {})
    t.equal((await events.endingOf(later.id))?.reason, 'logged_out')
    t.match(await sessions.endAll(ops), { count: 0, revocation: { sid: null } })
  })

  t.test('after endAll every method treats the ended sessions as deleted', async (t) => {
    const user = await addUser(stores)
    const session = await login(stores, user)
    t.ok(await sessions.rotate(attempt(session)))
    const rotated = await reread(stores, session)
    const ofServer = await login(stores, user, { mode: 'session' })
    await sessions.endAll(ops)

    const proof = { userId: user.id, passwordHash: user.passwordHash }
    const step = { kind: 'recover', generation: 1, retryKeyHash: null } as const
    t.equal(await sessions.rotate(attempt(rotated)), undefined)
    t.equal(await sessions.find(session.id), undefined)
    t.equal(await sessions.advance(rotated, step, {}), false)
    await sessions.touch(ofServer.id)
    t.equal(await sessions.find(ofServer.id), undefined)
    t.equal(await sessions.rename(session.id, user.id, 'phone'), undefined)
    t.equal(await sessions.replace(replacementOf(session), proof, {}), undefined)
    const change = { userId: user.id, oldHash: user.passwordHash, newHash: 'new', replacement: replacementOf(session) }
    t.equal(await stores.users.changePassword(change, {}), undefined)
    t.equal(await sessions.end({ sid: session.id }, 'logged_out', {}), undefined)
    t.same(await sessions.endAllOfUser(user.id, { reason: 'revoked_by_user' }, {}), [])
    t.match(changed(await stores.users.update(user.id, { roles: ['editor'] }, ops)), { revocations: [] })
    t.same(await sessions.listOfUser(user.id), [])
    t.same((await sessions.list({ userId: user.id }, { limit: 9 })).items, [])
    t.equal(await sessions.count(9), 0)
    t.equal((await events.endingOf(session.id))?.reason, 'revoked_by_admin')
    t.same(await eventsOf(stores, { userId: user.id, type: 'session_ended' }), [])

    const later = await login(stores, user)
    t.ok(await sessions.rotate(attempt(later)), 'a later login lives')
    t.ok(await sessions.replace(replacementOf(later), proof, {}))
    t.equal(await sessions.count(9), 1)
  })

  t.test('an end and a password change win against every refresh in flight', async (t) => {
    let keeper: LiveSession
    const endings = {
      end: (user: UserWithPassword, { id }: LiveSession) =>
        sessions.end({ sid: id, userId: user.id }, 'revoked_by_user', {}),
      changePassword: async ({ id: userId, passwordHash }: UserWithPassword) => {
        const change = { userId, oldHash: passwordHash, newHash: passwordHash, replacement: replacementOf(keeper) }
        const changed = await stores.users.changePassword(change, {})
        keeper = changed?.session ?? keeper
        return changed
      }
    }
    const rounds = stores.rounds / 2
    for (const [name, ending] of Object.entries(endings)) {
      const user = await addUser(stores)
      keeper = await login(stores, user)
      for (let round = 0; round < rounds; round++) {
        const session = await login(stores, user)
        const rotate = () => sessions.rotate(attempt(session))
        const end = () => ending(user, session)
        const [, ended] =
          round % 2 === 0 ? await Promise.all([rotate(), end()]) : (await Promise.all([end(), rotate()])).reverse()
        if (ended === undefined) t.fail(`${name}, round ${round}: the session was not found`)
        if ((await sessions.find(session.id)) !== undefined)
          t.fail(`${name}, round ${round}: the session is still live`)
      }
      t.match(await sessions.listOfUser(user.id), [{ id: keeper.id }], `${name}, ${rounds} times`)
    }
  })

  t.test('no earlier login survives a password change, a disabled account, or a deleted account', async (t) => {
    const disruptions: Record<
      string,
      (user: Awaited<ReturnType<typeof addUser>>, replacement: Replacement) => Promise<unknown>
    > = {
      changePassword: ({ id: userId, passwordHash: oldHash }, replacement) =>
        stores.users.changePassword({ userId, oldHash, newHash: digest(randomUUID()), replacement }, {}),
      disable: ({ id }) => stores.users.update(id, { disabled: true }, ops),
      delete: ({ id }) => stores.users.delete(id, 'revoked_by_user', {})
    }
    for (const [name, disrupt] of Object.entries(disruptions)) {
      for (let round = 0; round < stores.rounds / 5; round++) {
        const user = await addUser(stores)
        const kept = await login(stores, user)
        const logins = () => Promise.all([tryLogin(stores, user), tryLogin(stores, user), tryLogin(stores, user)])
        const replacement = replacementOf(kept)
        const [created] = await Promise.all([logins(), disrupt(user, replacement)])
        const left = (await sessions.listOfUser(user.id)).filter(({ id }) => id !== replacement.id)
        if (left.length > 0) t.fail(`${name}, round ${round}: a session survived`)
        for (const login of created) {
          if (login === 'user_changed') continue
          const reason = (await events.endingOf(login.session.id))?.reason
          if (reason === undefined) t.fail(`${name}, round ${round}: a session ended without a reason`)
        }
      }
    }
    t.pass('every session that was created ended, with a reason')
  })

  t.test('an expired session can still be ended, with the given reason', async (t) => {
    const session = await login(stores, await addUser(stores), { idleTtlSeconds: 50 })
    await stores.age(60)
    t.ok((await reread(stores, session)).now >= (await reread(stores, session)).idleExpiresAt)
    t.match(await sessions.end({ sid: session.id }, 'idle_timeout', {}), { reason: 'idle_timeout' })
    t.equal((await events.endingOf(session.id))?.reason, 'idle_timeout')
  })
}
