import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { LiveSession } from '../../src/ports/sessions.js'
import type { UserWithPassword } from '../../src/ports/users.js'
import { addUser, attempt, digest, eventsOf, login, ops, policy, replacementOf, reread, type Stores } from './stores.js'

const hour = 3600

/** The promises of every `SessionStore` about replacing a session. */
export function testReplacements(t: Test, stores: Stores): void {
  const { users, sessions, events } = stores
  const proofOf = ({ id: userId, passwordHash }: UserWithPassword) => ({ userId, passwordHash })
  const replace = (user: UserWithPassword, session: LiveSession, passwordHash = user.passwordHash) =>
    sessions.replace(replacementOf(session), { ...proofOf(user), passwordHash }, { userId: user.id })

  t.test('the new session has the device, the login time and the absolute end of the old one', async (t) => {
    const user = await addUser(stores, { roles: ['editor'] })
    const { id } = await login(stores, user, { mode: 'body', device: 'Phone', amr: ['otp', 'pwd'] })
    await stores.age(hour)
    t.ok(await sessions.rotate(attempt(await reread(stores, { id }), 'the key of a request')))
    const rotated = await reread(stores, { id })
    const replacement = replacementOf(rotated, { amr: ['pwd', 'passkey'], userAgent: 'Browser 2', ip: '192.0.2.8' })
    const added = await sessions.replace(replacement, proofOf(user), { userId: user.id, ip: '192.0.2.8' })
    if (added === undefined) return t.fail('not replaced')

    const { mode, device, createdAt, absoluteExpiresAt } = rotated
    t.match(added.session, { id: replacement.id, secretHash: replacement.secretHash, userId: user.id })
    t.match(added.session, { mode, device, createdAt, absoluteExpiresAt, user: { roles: ['editor'] } })
    t.match(added.session, { userAgent: 'Browser 2', ip: '192.0.2.8' })
    t.same(added.session.amr, ['otp', 'passkey', 'pwd'])
    t.equal(added.session.authTime, added.session.now)
    t.equal(added.session.idleExpiresAt, added.session.now + policy.refreshIdleTtlSeconds * 1000)
    t.match(added.session, { generation: 0, rotatedAt: null, retryKeyHash: null, recoveredGeneration: null })
    const { now: _read, ...found } = await reread(stores, added.session)
    const { now: _added, ...session } = added.session
    t.same(found, session)
  })

  t.test(
    'the user was last authenticated at the given time, or at that of the old session if it is later',
    async (t) => {
      const user = await addUser(stores)
      const { now } = await login(stores, user)
      const [hourAgo, minuteAgo] = [now - 3_600_000, now - 60_000]
      for (const [before, given] of [
        [hourAgo, minuteAgo],
        [minuteAgo, hourAgo]
      ] as const) {
        const old = await login(stores, user, { authTime: before })
        const replacement = { ...replacementOf(old), authTime: given }
        t.equal((await sessions.replace(replacement, proofOf(user), {}))?.session.authTime, minuteAgo)
      }
    }
  )

  t.test('the old session ends with replaced, and no other session ends', async (t) => {
    const user = await addUser(stores)
    const [old, other] = [await login(stores, user), await login(stores, user)]
    const added = await replace(user, old)
    t.match(added?.revocations, [{ sid: old.id, reason: 'replaced' }])
    t.equal(added?.revocations.length, 1)
    t.equal(await sessions.find(old.id), undefined)
    t.equal((await events.endingOf(old.id))?.reason, 'replaced')
    t.ok(await sessions.find(other.id))
    t.match(await eventsOf(stores, { sessionId: added?.session.id ?? '' }), [
      { type: 'reauthenticated', userId: user.id, actorId: user.id }
    ])
  })

  t.test('an idle end is never later than the absolute end', async (t) => {
    const user = await addUser(stores)
    const old = await login(stores, user, { idleTtlSeconds: 500, absoluteTtlSeconds: 300 })
    const added = await replace(user, old)
    t.equal(added?.session.idleExpiresAt, old.absoluteExpiresAt)
  })

  t.test(
    'a session that has ended, an outdated proof and a disabled user are refused, and nothing changes',
    async (t) => {
      const user = await addUser(stores)
      const [live, ended, expired] = [
        await login(stores, user),
        await login(stores, user),
        await login(stores, user, { idleTtlSeconds: 0 })
      ]
      await sessions.end({ sid: ended.id }, 'revoked_by_user', {})
      const stranger = await addUser(stores)
      t.equal(await replace(user, ended), undefined)
      t.equal(await replace(user, expired), undefined)
      t.equal(await replace(user, live, digest('another password')), undefined)
      t.equal(await replace(stranger, live), undefined, "another user's session")
      t.equal(await replace({ ...user, id: randomUUID() }, live), undefined)
      t.ok(await sessions.find(live.id))
      t.equal((await events.endingOf(live.id))?.reason, undefined)
      await users.update(user.id, { disabled: true }, ops)
      t.equal(await replace(user, live), undefined)
      t.same(await eventsOf(stores, { userId: user.id, type: 'reauthenticated' }), [])
    }
  )

  t.test('a replacement wins against every simultaneous refresh', async (t) => {
    const user = await addUser(stores)
    for (let round = 0; round < stores.rounds / 2; round += 1) {
      const session = await login(stores, user)
      const [added] = await Promise.all([replace(user, session), sessions.rotate(attempt(session))])
      if (added === undefined) return t.fail(`round ${round}: not replaced`)
      if ((await sessions.find(session.id)) !== undefined) t.fail(`round ${round}: the old session is still live`)
      await sessions.end({ sid: added.session.id }, 'logged_out', {})
    }
    t.same(await sessions.listOfUser(user.id), [])
  })

  t.test('of ten concurrent replacements of one session one succeeds', async (t) => {
    const user = await addUser(stores)
    const old = await login(stores, user)
    const made = await Promise.all(Array.from({ length: 10 }, () => replace(user, old)))
    t.equal(made.filter((added) => added !== undefined).length, 1)
    t.equal((await sessions.listOfUser(user.id)).length, 1)
  })

  t.test('an end of the old session either wins or finds nothing to end, in every order', async (t) => {
    const outcomes = new Set<string>()
    const ends: Readonly<Record<string, (user: UserWithPassword, session: LiveSession) => Promise<unknown>>> = {
      end: (_user, { id }) => sessions.end({ sid: id }, 'revoked_by_user', {}),
      'end of all': async ({ id }) => {
        await sessions.endAllOfUser(id, { reason: 'revoked_by_user' }, {})
        return 'ended'
      },
      disable: ({ id }) => users.update(id, { disabled: true }, ops)
    }
    for (const [name, end] of Object.entries(ends)) {
      for (let round = 0; round < stores.rounds / 2; round += 1) {
        const user = await addUser(stores)
        const session = await login(stores, user)
        const [added, ended] = await (round % 2 === 0
          ? Promise.all([replace(user, session), end(user, session)])
          : Promise.all([end(user, session), replace(user, session)]).then(([ended, added]) => [added, ended] as const))
        const left = (await sessions.listOfUser(user.id)).length
        if (ended !== undefined && left > 0) t.fail(`${name}, round ${round}: a session survived its end`)
        if (ended === undefined && added === undefined) t.fail(`${name}, round ${round}: neither of the two succeeded`)
        outcomes.add(added === undefined ? 'ended first' : 'replaced first')
      }
    }
    t.equal(outcomes.size, 2, [...outcomes].join(', '))
  })
}
