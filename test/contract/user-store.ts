// Long, because it is one suite for each method of the port.
import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import {
  addUser,
  attempt,
  changed,
  digest,
  emailOf,
  eventsOf,
  login,
  ops,
  replacementOf,
  reread,
  type Stores,
  tryLogin
} from './stores.js'

/** The promises of every `UserStore`. */
export function testUsers(t: Test, stores: Stores): void {
  const { users, sessions, events } = stores

  t.test('create adds the user and its event, and find and findByEmail return the same user', async (t) => {
    const user = await addUser(stores, { email: `${randomUUID()}@Example.org`, roles: ['admin', 'editor'] })
    t.match(user, { roles: ['admin', 'editor'], disabled: false })
    t.same(await users.find(user.id), user)
    t.same(await users.findByEmail(emailOf(user.email.toUpperCase())), user)
    t.equal(await users.findByEmail(emailOf(`x${user.email}`)), undefined)
    t.equal(await users.find(randomUUID()), undefined)
    t.match(await eventsOf(stores, { userId: user.id }), [{ type: 'user_registered', actorId: user.id }])
  })

  t.test('of fifty concurrent registrations of one e-mail one creates the account', async (t) => {
    const email = emailOf(`${randomUUID()}@example.org`)
    const ids = Array.from({ length: 50 }, () => randomUUID())
    const made = await Promise.all(ids.map((id) => users.create({ id, email, passwordHash: 'h', roles: [] }, {})))
    t.equal(made.filter((user) => user === 'email_taken').length, 49)
    const owner = await users.findByEmail(email)
    const registered = await Promise.all(ids.map((userId) => eventsOf(stores, { userId })))
    t.same(
      registered.flat().map(({ userId }) => userId),
      [owner?.id]
    )
  })

  t.test(
    'fifty concurrent registrations of two spellings of an internationalized domain make one account',
    async (t) => {
      const name = randomUUID()
      const spellings = ['bücher.example', 'xn--bcher-kva.example', 'BÜCHER。Example', 'XN--bcher-kva.EXAMPLE']
      const made = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          users.create(
            { id: randomUUID(), email: emailOf(`${name}@${spellings[i % 4]}`), passwordHash: 'h', roles: [] },
            {}
          )
        )
      )
      t.equal(made.filter((user) => user === 'email_taken').length, 49)
      const found = await Promise.all(spellings.map((domain) => users.findByEmail(emailOf(`${name}@${domain}`))))
      t.equal(new Set(found.map((user) => user?.id)).size, 1)
      t.ok(found[0])
    }
  )

  t.test('anyWithRole ignores disabled users', async (t) => {
    const role = randomUUID()
    t.equal(await users.anyWithRole(role), false)
    const user = await addUser(stores, { roles: ['x', role] })
    t.equal(await users.anyWithRole(role), true)
    await users.update(user.id, { disabled: true }, ops)
    t.equal(await users.anyWithRole(role), false)
  })

  t.test('upgradePasswordHash replaces a hash only if it is still the old one', async (t) => {
    const user = await addUser(stores)
    await users.upgradePasswordHash(user.id, 'another', 'never')
    t.equal((await users.find(user.id))?.passwordHash, user.passwordHash)
    await users.upgradePasswordHash(user.id, user.passwordHash, 'stronger')
    t.equal((await users.find(user.id))?.passwordHash, 'stronger')
  })

  t.test('changePassword replaces one session and ends every other', async (t) => {
    const user = await addUser(stores)
    const [here, other] = [await login(stores, user), await login(stores, user)]
    const replacement = replacementOf(here)
    const change = { userId: user.id, oldHash: user.passwordHash, newHash: 'new', replacement }
    t.equal(await users.changePassword({ ...change, oldHash: 'another' }, {}), undefined)
    t.ok(await sessions.find(other.id), 'nothing ends if the old hash does not match')

    const changed = await users.changePassword(change, { userId: user.id, ip: '192.0.2.7' })
    t.match(changed?.session, { id: replacement.id, secretHash: replacement.secretHash, user: { id: user.id } })
    t.same(
      changed?.revocations.map(({ sid, reason }) => `${sid} ${reason}`).sort(),
      [`${here.id} replaced`, `${other.id} password_changed`].sort()
    )
    t.equal((await users.find(user.id))?.passwordHash, 'new')
    t.same(
      (await sessions.listOfUser(user.id)).map(({ id }) => id),
      [replacement.id]
    )
    t.equal((await events.endingOf(other.id))?.reason, 'password_changed')
    t.equal((await events.endingOf(here.id))?.reason, 'replaced')
    t.match(await eventsOf(stores, { sessionId: replacement.id }), [{ type: 'password_changed', ip: '192.0.2.7' }])
    t.equal(await users.changePassword(change, {}), undefined, 'the old hash no longer matches')
    t.equal(await tryLogin(stores, user), 'user_changed')
  })

  t.test('changePassword from a session that has ended changes nothing', async (t) => {
    const user = await addUser(stores)
    const [here, other] = [await login(stores, user), await login(stores, user)]
    await sessions.end({ sid: here.id }, 'revoked_by_user', {})
    const change = { userId: user.id, oldHash: user.passwordHash, newHash: 'new', replacement: replacementOf(here) }
    t.equal(await users.changePassword(change, {}), undefined)
    t.equal((await users.find(user.id))?.passwordHash, user.passwordHash)
    t.ok(await sessions.find(other.id))
    t.same(await eventsOf(stores, { userId: user.id, type: 'password_changed' }), [])
  })

  t.test('of ten concurrent password changes one succeeds', async (t) => {
    const user = await addUser(stores)
    const here = await login(stores, user)
    const change = { userId: user.id, oldHash: user.passwordHash }
    const made = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        users.changePassword({ ...change, newHash: `new ${i}`, replacement: replacementOf(here) }, {})
      )
    )
    t.equal(made.filter((changed) => changed !== undefined).length, 1)
    t.equal((await sessions.listOfUser(user.id)).length, 1)
    t.equal((await eventsOf(stores, { userId: user.id, type: 'password_changed' })).length, 1)
  })

  t.test('disabling ends every session, and the user can log in again only after enabling', async (t) => {
    const user = await addUser(stores, { roles: ['editor'] })
    const session = await login(stores, user)
    const disabled = changed(await users.update(user.id, { disabled: true }, ops))
    t.match(disabled, { user: { id: user.id, disabled: true, roles: ['editor'] } })
    t.match(disabled?.revocations, [{ sid: session.id, reason: 'user_disabled' }])
    t.equal(await sessions.find(session.id), undefined)
    t.equal((await events.endingOf(session.id))?.reason, 'user_disabled')
    t.equal((await users.find(user.id))?.disabled, true)

    t.match(await users.update(user.id, { disabled: true }, ops), { revocations: [] })
    t.match(await users.update(user.id, { disabled: false }, ops), { user: { disabled: false }, revocations: [] })
    t.ok(await login(stores, user))
    const changes = (await eventsOf(stores, { userId: user.id })).filter(({ type }) => type.startsWith('user_'))
    t.same(
      changes.map(({ type }) => type),
      ['user_enabled', 'user_disabled', 'user_registered']
    )
    t.match(changes[0], { actorId: ops.userId })
  })

  t.test('changed roles revoke the access tokens of live sessions, and end no session', async (t) => {
    const user = await addUser(stores, { roles: ['a', 'b'] })
    await login(stores, user, { idleTtlSeconds: 0 })
    const [first, second] = [await login(stores, user), await login(stores, user)]
    const updated = changed(await users.update(user.id, { roles: ['a'] }, ops))
    t.same(updated?.user.roles, ['a'])
    t.same(updated?.revocations.map(({ sid }) => sid).sort(), [first.id, second.id].sort())
    t.ok(updated?.revocations.every(({ reason, at }) => reason === 'roles_changed' && at >= second.now))

    const rotated = await sessions.rotate(attempt(first))
    t.same(rotated?.user.roles, ['a'])
    t.same((await reread(stores, second)).user.roles, ['a'])
    t.equal((await events.endingOf(first.id))?.reason, undefined)
    t.equal((await eventsOf(stores, { userId: user.id, type: 'roles_changed' })).length, 1)
  })

  t.test('an update with the same roles changes nothing', async (t) => {
    const user = await addUser(stores, { roles: ['a', 'b'] })
    await login(stores, user)
    t.match(await users.update(user.id, { roles: ['b', 'a'] }, ops), { revocations: { length: 0 } })
    t.match(await users.update(user.id, {}, ops), { user: { disabled: false }, revocations: { length: 0 } })
    t.equal((await eventsOf(stores, { userId: user.id, type: 'roles_changed' })).length, 0)
    t.match(await users.update(user.id, { roles: [] }, ops), { user: { roles: [] }, revocations: { length: 1 } })
  })

  t.test('one update can change roles and the disabled flag', async (t) => {
    const user = await addUser(stores, { roles: ['editor'] })
    await login(stores, user)
    const updated = changed(await users.update(user.id, { disabled: true, roles: [] }, ops))
    t.match(updated, { user: { disabled: true, roles: [] }, revocations: [{ reason: 'user_disabled' }] })
    t.equal(updated?.revocations.length, 1)
    t.equal(await users.update(randomUUID(), { disabled: true, roles: ['a'] }, ops), undefined)
  })

  t.test('delete removes the user and ends every session, with the given reason', async (t) => {
    const user = await addUser(stores)
    const [first, second] = [await login(stores, user), await login(stores, user)]
    const revocations = changed(await users.delete(user.id, 'revoked_by_admin', ops))
    t.same(revocations?.map(({ sid }) => sid).sort(), [first.id, second.id].sort())
    t.equal(await users.find(user.id), undefined)
    t.equal(await sessions.find(first.id), undefined)
    t.equal((await events.endingOf(first.id))?.reason, 'revoked_by_admin')
    t.match(await eventsOf(stores, { userId: user.id, type: 'user_deleted' }), [{ actorId: ops.userId }])
    t.equal(await users.delete(user.id, 'revoked_by_admin', ops), undefined)
    t.ok(await addUser(stores, { email: user.email }), 'the e-mail is free again')
  })

  t.test('the last admin who is not disabled cannot lose the role, be disabled or be deleted', async (t) => {
    const isAdmin = async (id: string) => (await users.find(id))?.roles.includes('admin')
    const last = await addUser(stores, { roles: ['admin', 'editor'] })
    for (const admin of (await users.list({}, { limit: 200 })).items) {
      if (admin.id !== last.id) await users.update(admin.id, { disabled: true }, ops)
    }
    const session = await login(stores, last)
    const refused = {
      demote: () => users.update(last.id, { roles: ['editor'] }, ops),
      disable: () => users.update(last.id, { disabled: true }, ops),
      both: () => users.update(last.id, { disabled: true, roles: [] }, ops),
      delete: () => users.delete(last.id, 'revoked_by_admin', ops)
    }
    for (const [name, change] of Object.entries(refused)) t.equal(await change(), 'last_admin', name)
    t.ok(await isAdmin(last.id))
    t.ok(await sessions.find(session.id), 'no session has ended')
    t.match(await eventsOf(stores, { userId: last.id }), [{ type: 'login_succeeded' }, { type: 'user_registered' }])
    t.match(await users.update(last.id, { roles: ['admin'], disabled: false }, ops), { user: { roles: ['admin'] } })

    const other = await addUser(stores, { roles: ['admin'] })
    t.match(await users.update(last.id, { disabled: true }, ops), { user: { disabled: true } })
    t.match(await users.update(last.id, { roles: [] }, ops), { user: { roles: [] } }, 'a disabled admin')
    t.equal(await users.delete(other.id, 'revoked_by_admin', ops), 'last_admin')
  })

  t.test('of two last admins who are demoted, disabled or deleted at once one stays an admin', async (t) => {
    const changes = [
      (id: string) => users.update(id, { roles: [] }, ops),
      (id: string) => users.update(id, { disabled: true }, ops),
      (id: string) => users.delete(id, 'revoked_by_admin', ops)
    ] as const
    let [keeper] = (await users.list({}, { limit: 200 })).items.filter(
      ({ roles, disabled }) => roles.includes('admin') && !disabled
    )
    for (let round = 0; round < stores.rounds / 2; round += 1) {
      const pair = [
        keeper ?? (await addUser(stores, { roles: ['admin'] })),
        await addUser(stores, { roles: ['admin'] })
      ]
      const results = await Promise.all(pair.map(({ id }, i) => changes[(round + i) % 3]?.(id)))
      const kept = results.flatMap((result, i) => (result === 'last_admin' ? [pair[i]] : []))
      if (kept.length !== 1) t.fail(`round ${round}: ${kept.length} of the two are left`)
      keeper = kept[0]
    }
    t.ok(await users.anyWithRole('admin'))
  })

  t.test('a password change and a concurrent change of roles are both kept', async (t) => {
    const user = await addUser(stores)
    const replacement = replacementOf(await login(stores, user))
    const change = { userId: user.id, oldHash: user.passwordHash, newHash: digest('n'), replacement }
    await Promise.all([users.changePassword(change, {}), users.update(user.id, { roles: ['r'] }, ops)])
    t.match(await users.find(user.id), { passwordHash: digest('n'), roles: ['r'] })
  })
}
