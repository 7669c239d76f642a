import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { noticeLimits } from '../../src/core/rate-limits.js'
import type { AddressedUser } from '../../src/ports/users.js'
import { addUser, changed, digest, emailOf, login, ops, replacementOf, type Stores, tryLogin } from './stores.js'

const thief = { ip: '198.51.100.7', userAgent: 'thief' } as const

/** The notices that stores write in the transaction of a change. */
export function testNotices(t: Test, stores: Stores): void {
  const { users, sessions, outbox } = stores

  /** Takes the user's mails out of the outbox. */
  const noticesTo = async (user: AddressedUser) =>
    (await outbox.claim(1000, 60)).filter(({ userId }) => userId === user.id)

  async function loginOnNewDevice(user: AddressedUser, device: string | null = null) {
    const created = await tryLogin(stores, user, { device, isNewDevice: true })
    if (created === 'user_changed') throw new Error('the login was refused')
    return created.session
  }

  t.test('a session that ends as reuse_detected sends its user one notice, however many end it at once', async (t) => {
    const user = await addUser(stores, { locale: 'de' })
    const session = await login(stores, user, { device: "Ada's phone" })
    const before = session.now
    const ends = Array.from({ length: 8 }, () => sessions.end({ sid: session.id }, 'reuse_detected', thief))
    t.equal((await Promise.all(ends)).filter((revocation) => revocation !== undefined).length, 1)

    const [notice, ...others] = await noticesTo(user)
    t.match(notice, { kind: 'theft_detected', recipient: user.email, locale: 'de', link: null, attempts: 1 })
    const { at, ...from } = notice?.parameters ?? {}
    t.strictSame(from, { device: "Ada's phone", ip: thief.ip, user_agent: 'thief' })
    t.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    t.ok(Math.abs(Date.parse(String(at)) - before) < 60_000)
    t.same(others, [])

    const nameless = await login(stores, user)
    await sessions.end({ sid: nameless.id }, 'reuse_detected', {})
    t.match(await noticesTo(user), [{ parameters: { device: null, ip: null, user_agent: null } }])
  })

  t.test('a session that ends for any other reason sends no notice', async (t) => {
    const user = await addUser(stores)
    for (const reason of ['logged_out', 'revoked_by_admin', 'idle_timeout', 'replaced'] as const) {
      const { id: sid } = await login(stores, user)
      await sessions.end({ sid }, reason, thief)
    }
    await sessions.endAllOfUser(user.id, { reason: 'revoked_by_user' }, {})
    t.same(await noticesTo(user), [])
  })

  t.test('a session that is replaced, and ends as reuse_detected, sends the notice too', async (t) => {
    const user = await addUser(stores)
    const proof = { userId: user.id, passwordHash: user.passwordHash }
    const reuse = { replacedReason: 'reuse_detected' } as const
    const first = await login(stores, user)
    const second = await login(stores, user, { replaces: first.id, ...reuse })
    const third = await sessions.replace(replacementOf(second, reuse), proof, thief)
    t.match(await noticesTo(user), [{ kind: 'theft_detected' }, { kind: 'theft_detected' }])

    if (third === undefined) return t.fail('the session was not replaced')
    const change = { userId: user.id, oldHash: user.passwordHash, newHash: 'new' }
    await users.changePassword({ ...change, replacement: replacementOf(third.session, reuse) }, thief)
    t.same((await noticesTo(user)).map(({ kind }) => kind).sort(), ['password_changed', 'theft_detected'])
  })

  t.test('a changed password sends a notice, and a refused change sends none', async (t) => {
    const user = await addUser(stores)
    const session = await login(stores, user)
    const change = { userId: user.id, oldHash: 'another', newHash: 'new', replacement: replacementOf(session) }
    t.equal(await users.changePassword(change, {}), undefined)
    t.same(await noticesTo(user), [])

    t.ok(await users.changePassword({ ...change, oldHash: user.passwordHash }, { ip: '192.0.2.7' }))
    t.match(await noticesTo(user), [
      { kind: 'password_changed', parameters: { at: String, ip: '192.0.2.7', user_agent: null } }
    ])
  })

  t.test('disabling an account sends a notice without the address of the admin, once', async (t) => {
    const user = await addUser(stores)
    for (const disabled of [true, true, undefined]) await users.update(user.id, { disabled, roles: ['reader'] }, ops)
    const [notice, ...others] = await noticesTo(user)
    t.match(notice, { kind: 'account_disabled', recipient: user.email })
    t.strictSame(Object.keys(notice?.parameters ?? {}), ['at'])
    t.same(others, [])
    changed(await users.update(user.id, { disabled: false }, ops))
    t.same(await noticesTo(user), [])
    changed(await users.update(user.id, { disabled: true }, ops))
    t.match(await noticesTo(user), [{ kind: 'account_disabled' }])
  })

  t.test('a login on a new device sends a notice, but the first login of an account does not', async (t) => {
    const user = await addUser(stores)
    const first = await Promise.all([loginOnNewDevice(user, 'first'), loginOnNewDevice(user, 'second')])
    const [notice, ...others] = await noticesTo(user)
    t.match(notice, { kind: 'new_device', parameters: { at: String, ip: null, user_agent: null } })
    t.same(others, [], 'of two first logins at once, one is the first')

    for (const { id: sid } of first) await sessions.end({ sid }, 'logged_out', {})
    await login(stores, user)
    t.same(await noticesTo(user), [], 'a known device')
    await loginOnNewDevice(user)
    t.match(await noticesTo(user), [{ kind: 'new_device' }], 'also when all sessions have ended')
  })

  t.test('a login that is refused sends no notice', async (t) => {
    const user = await addUser(stores)
    await login(stores, user)
    const wrong = { ...user, passwordHash: 'another' }
    t.equal(await tryLogin(stores, wrong, { isNewDevice: true }), 'user_changed')
    t.same(await noticesTo(user), [])
  })

  t.test('an account gets a limited number of notices of each kind in half an hour, also at once', async (t) => {
    const user = await addUser(stores)
    await login(stores, user)
    await Promise.all(Array.from({ length: 6 }, () => loginOnNewDevice(user)))
    t.equal((await noticesTo(user)).length, noticeLimits.new_device.max)
    const session = await login(stores, user)
    await sessions.end({ sid: session.id }, 'reuse_detected', {})
    t.match(await noticesTo(user), [{ kind: 'theft_detected' }], 'the kinds are counted apart')

    const { max } = noticeLimits.theft_detected
    const stolen = await Promise.all(Array.from({ length: max + 5 }, () => login(stores, user)))
    await Promise.all(stolen.map(({ id: sid }) => sessions.end({ sid }, 'reuse_detected', thief)))
    t.equal((await noticesTo(user)).length, max - 1)

    await stores.age(noticeLimits.new_device.windowSeconds)
    await noticesTo(user)
    await loginOnNewDevice(user)
    t.match(await noticesTo(user), [{ kind: 'new_device' }])

    for (let change = 0; change <= noticeLimits.account_disabled.max; change += 1) {
      changed(await users.update(user.id, { disabled: true }, ops))
      changed(await users.update(user.id, { disabled: false }, ops))
    }
    t.equal((await noticesTo(user)).length, noticeLimits.account_disabled.max)
  })

  t.test('an address that nobody confirmed gets no more notices by ever new accounts', async (t) => {
    const { max } = noticeLimits.theft_detected
    const noticesByTheft = async (user: AddressedUser) => {
      const stolen = await Promise.all(Array.from({ length: max }, () => login(stores, user)))
      await Promise.all(stolen.map(({ id: sid }) => sessions.end({ sid }, 'reuse_detected', thief)))
      return (await noticesTo(user)).length
    }
    const first = await addUser(stores)
    const { email } = first
    t.equal(await noticesByTheft(first), max)
    changed(await users.delete(first.id, 'revoked_by_user', {}))
    const second = await addUser(stores, { email: email.toUpperCase() })
    t.equal(await noticesByTheft(second), 0, 'after a deletion')

    const other = emailOf(`${randomUUID()}@example.org`)
    const mover = await addUser(stores, { email: other.address })
    t.equal(await noticesByTheft(mover), max)
    const link = {
      id: randomUUID(),
      purpose: 'email_change',
      userId: mover.id,
      address: `${randomUUID()}@example.org`,
      tokenHash: digest(mover.id),
      mailed: true
    } as const
    await stores.links.create({ link, event: { type: 'email_change_requested', userId: mover.id } }, ops)
    const live = await stores.links.find(link, ['email_change'])
    if (live === undefined) throw new Error('the link is dead')
    const change = { link: live, email: emailOf(link.address), follow: () => ({ undo: 'delete', mails: [] }) as const }
    t.equal(await users.changeEmail(change, ops), 'changed')
    t.equal(await noticesByTheft(await addUser(stores, { email: other.address })), 0, 'after a change of the address')

    await stores.age(noticeLimits.theft_detected.windowSeconds)
    await noticesTo(second)
    t.equal(await noticesByTheft(second), max)
  })

  t.test('where no mail is sent, no notice is written, and the change happens', async (t) => {
    const user = await addUser(stores)
    const session = await login(stores, user)
    t.ok(await stores.sessionsUnder({ notices: false }).end({ sid: session.id }, 'reuse_detected', thief))
    t.equal((await stores.events.endingOf(session.id))?.reason, 'reuse_detected')
    t.same(await noticesTo(user), [])
  })
}
