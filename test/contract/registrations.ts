import { randomBytes, randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { hasPassword, noPasswordHash } from '../../src/core/password-policy.js'
import type { LiveLink, MadeLink, NewLink } from '../../src/ports/mail.js'
import type { NewUser } from '../../src/ports/user-store.js'
import type { AddressedUser } from '../../src/ports/users.js'
import { addressed, addUser, changed, digest, emailOf, eventsOf, login, ops, type Stores, tryLogin } from './stores.js'

const event = { type: 'email_verification_requested' } as const

/** The promises of the methods of a `UserStore` that register accounts and verify their addresses. */
export function testRegistrations(t: Test, stores: Stores): void {
  const { users, links, outbox } = stores

  const newUser = (address = `${randomUUID()}@example.org`): NewUser => {
    const id = randomUUID()
    return { id, email: emailOf(address), passwordHash: digest(id), roles: [], locale: 'de' }
  }

  const linkTo = (user: Pick<AddressedUser, 'id' | 'email' | 'passwordHash'>): NewLink => ({
    id: randomUUID(),
    purpose: 'email_verification',
    userId: user.id,
    address: user.email,
    tokenHash: digest(randomBytes(8).toString('hex')),
    boundTo: user,
    mailed: true
  })

  const madeFor = (user: Pick<AddressedUser, 'id' | 'email' | 'passwordHash'>) => {
    const link = linkTo(user)
    const mail = {
      id: randomUUID(),
      kind: 'email_verification',
      userId: user.id,
      recipient: user.email,
      locale: null,
      parameters: {},
      linkId: link.id
    } as const
    return { link, mail, event: { ...event, userId: user.id } } satisfies MadeLink
  }

  /** Registers as `registerUnconfirmed` of the service does. */
  async function registerUnconfirmed(user: NewUser, earlier?: string) {
    const written: NewLink[] = []
    const confirm = (account: AddressedUser | undefined) => {
      const made = madeFor(account ?? { ...user, email: user.email.address })
      written.push(made.link)
      return made
    }
    const outcome = await users.registerUnconfirmed(user, { earlier, confirm }, {})
    return { outcome, link: written.at(-1) ?? linkTo({ ...user, email: user.email.address }) }
  }

  /** Registers the address again, with the same password or with another one. */
  async function registerAgain(user: NewUser) {
    for (;;) {
      const earlier = await users.findRegistration(user.email)
      const same = earlier === undefined || earlier === user.passwordHash || !hasPassword(earlier)
      const passwordHash = same ? (earlier ?? user.passwordHash) : noPasswordHash(user.id)
      const registered = await registerUnconfirmed({ ...user, passwordHash }, earlier)
      if (registered.outcome !== 'changed') return registered
    }
  }

  async function requireLink(link: NewLink): Promise<LiveLink> {
    const live = await links.find(link, [link.purpose])
    if (live === undefined) throw new Error('the link is dead')
    return live
  }

  const mailsOf = async (userId: string) => (await outbox.claim(1000, 60)).filter((mail) => mail.userId === userId)

  t.test('createWithLink adds the user, the link, its mail and both events, or nothing', async (t) => {
    const user = newUser()
    const made = madeFor({ ...user, email: user.email.address })
    t.match(await users.createWithLink(user, made, ops), { id: user.id, locale: 'de', emailVerifiedAt: null })
    t.match(await links.find(made.link, ['email_verification']), { user: { id: user.id } })
    t.match(await mailsOf(user.id), [{ id: made.mail.id, link: { id: made.link.id } }])
    const types = (await eventsOf(stores, { userId: user.id })).map(({ type }) => type)
    t.same(types.sort(), ['email_verification_requested', 'user_registered'])

    const twin = newUser(user.email.address)
    const second = madeFor({ ...twin, email: user.email.address })
    t.equal(await users.createWithLink(twin, second, ops), 'email_taken')
    t.same(await mailsOf(twin.id), [])
    t.same(await eventsOf(stores, { userId: twin.id }), [])
  })

  t.test(
    'a waiting account that is registered again changes nothing but its password, and its links work',
    async (t) => {
      const first = newUser()
      const { outcome, link } = await registerUnconfirmed(first)
      t.equal(outcome, 'registered')
      const account = await users.find(first.id)
      t.match(account, {
        passwordHash: first.passwordHash,
        locale: 'de',
        emailVerifiedAt: null,
        awaitsConfirmation: true
      })
      t.equal(await users.findRegistration(first.email), first.passwordHash)

      const spelling = first.email.address.toUpperCase()
      const same = { ...newUser(spelling), passwordHash: first.passwordHash, locale: 'fr' }
      t.equal((await registerAgain(same)).outcome, 'registered_again')
      t.same(await users.find(first.id), account)

      const other = newUser(spelling)
      const second = await registerAgain(other)
      t.equal(second.outcome, 'registered_again')
      t.equal(await users.find(other.id), undefined)
      const none = noPasswordHash(other.id)
      t.same(await users.find(first.id), { ...account, passwordHash: none })
      await registerAgain(same)
      t.same(await users.find(first.id), { ...account, passwordHash: none }, 'it stays without a password')
      for (const made of [link, second.link]) {
        t.match(await links.find(made, ['email_verification']), { user: { id: first.id } })
      }
      t.same(await users.verifyEmail(await requireLink(link), {}), { awaited: true, passwordHash: none })
      t.equal(await users.findRegistration(first.email), undefined)
    }
  )

  t.test('a registration that was compared with an outdated hash does nothing', async (t) => {
    const user = newUser()
    await registerUnconfirmed(user)
    const before = await users.find(user.id)
    for (const earlier of [undefined, digest('another')]) {
      const { outcome, link } = await registerUnconfirmed(newUser(user.email.address), earlier)
      t.equal(outcome, 'changed')
      t.equal(await links.find(link, ['email_verification']), undefined)
    }
    t.same(await users.find(user.id), before)
    t.equal(await users.findRegistration(user.email), user.passwordHash)
  })

  t.test(
    'a waiting account that got a password by a link that was handed over keeps it if it is registered again',
    async (t) => {
      const user = newUser()
      await registerUnconfirmed(user)
      const account = addressed(await users.find(user.id))
      const reset: NewLink = { ...linkTo(account), purpose: 'password_reset', mailed: false }
      await links.create({ link: reset, event }, {})
      await users.resetPassword({ link: await requireLink(reset), newHash: digest('handed over'), mails: [] }, {})
      const handedOver = { passwordHash: digest('handed over'), emailVerifiedAt: null, awaitsConfirmation: false }
      t.match(await users.find(user.id), handedOver)
      for (const passwordHash of [user.passwordHash, digest('another')]) {
        const { outcome } = await registerAgain({ ...newUser(user.email.address), passwordHash })
        t.equal(outcome, 'taken')
        t.match(await users.find(user.id), handedOver)
      }
    }
  )

  t.test('a mailed reset and a confirmation end the registration, and the deletion of the account does', async (t) => {
    const [reset, confirmed, deleted] = [newUser(), newUser(), newUser()]
    for (const user of [reset, confirmed, deleted]) {
      const { link } = await registerUnconfirmed(user)
      if (user === deleted) await users.delete(user.id, 'revoked_by_admin', {})
      if (user === confirmed) await users.verifyEmail(await requireLink(link), {})
      if (user === reset) {
        const account = addressed(await users.find(user.id))
        const mailed: NewLink = { ...linkTo(account), purpose: 'password_reset' }
        await links.create({ link: mailed, event }, {})
        await users.resetPassword({ link: await requireLink(mailed), newHash: digest('new'), mails: [] }, {})
      }
      t.equal(await users.findRegistration(user.email), undefined)
    }
  })

  t.test('removing the password of a waiting account ends its links', async (t) => {
    const user = newUser()
    const { link } = await registerUnconfirmed(user)
    const noPassword = { noPasswordHash: noPasswordHash('x'), reason: 'revoked_by_admin' } as const
    await users.removePassword(user.id, noPassword, ops)
    t.equal(await links.find(link, ['email_verification']), undefined)
  })

  t.test(
    'an account whose address counts as verified takes the place of a waiting account, and of no other',
    async (t) => {
      for (const invited of [false, true]) {
        const waiting = newUser()
        const { link } = await registerUnconfirmed(waiting)
        const admins: NewUser = { ...newUser(waiting.email.address), emailVerified: true }
        const invitation: NewLink = { ...linkTo({ ...admins, email: admins.email.address }), purpose: 'invitation' }
        const invite = { link: invitation, event: { type: 'user_invited', userId: admins.id } } as const
        const made = invited ? users.createWithLink(admins, invite, ops) : users.create(admins, ops)
        t.match(await made, { id: admins.id, emailVerifiedAt: Number })
        t.equal(await users.find(waiting.id), undefined)
        t.match(await users.findByEmail(waiting.email), { id: admins.id, passwordHash: admins.passwordHash })
        t.equal(await links.find(link, ['email_verification']), undefined)
        t.same(await mailsOf(waiting.id), [])
        t.match(await eventsOf(stores, { userId: waiting.id, type: 'user_deleted' }), [{ reason: 'unconfirmed' }])
        t.equal(await users.create({ ...newUser(waiting.email.address), emailVerified: true }, ops), 'email_taken')
      }
      const waiting = newUser()
      await registerUnconfirmed(waiting)
      t.equal(await users.create(newUser(waiting.email.address), {}), 'email_taken', 'a registration does not')
      changed(await users.update(waiting.id, { disabled: true }, ops))
      t.equal(await users.create({ ...newUser(waiting.email.address), emailVerified: true }, ops), 'email_taken')
    }
  )

  t.test('an account that was used, confirmed or disabled is left as it is', async (t) => {
    const [used, confirmed, disabled] = [newUser(), newUser(), newUser()]
    for (const user of [used, disabled]) await registerUnconfirmed(user)
    const unconfirmed = addressed(await users.find(used.id))
    await login(stores, unconfirmed)
    const { link } = await registerUnconfirmed(confirmed)
    t.match(await users.verifyEmail(await requireLink(link), {}), { awaited: true })
    changed(await users.update(disabled.id, { disabled: true }, ops))
    const older = await addUser(stores)

    for (const id of [used.id, confirmed.id, disabled.id, older.id]) {
      const before = addressed(await users.find(id))
      const { outcome } = await registerAgain(newUser(before.email))
      t.equal(outcome, 'taken')
      t.same(await users.find(id), before)
    }
  })

  t.test('an address that a live link keeps for another account is taken, without an account', async (t) => {
    const mover = await addUser(stores)
    const undo: NewLink = { ...linkTo(mover), purpose: 'email_undo', reservedEmailKey: emailOf(mover.email).key }
    await links.create({ link: { ...linkTo(mover), purpose: 'email_change', address: 'x' }, event }, {})
    const change = linkTo(mover)
    await links.create({ link: { ...change, purpose: 'email_change' }, event }, {})
    const link = await links.find(change, ['email_change'])
    if (link === undefined) throw new Error('the link is dead')
    const email = emailOf(`${randomUUID()}@example.org`)
    t.equal(await users.changeEmail({ link, email, follow: () => ({ undo, mails: [] }) }, {}), 'changed')

    const stranger = newUser(mover.email)
    const accounts: unknown[] = []
    const confirm = (account: AddressedUser | undefined) => {
      accounts.push(account)
      return { ...madeFor({ ...stranger, email: mover.email }), pretend: true }
    }
    const outcome = await users.registerUnconfirmed(stranger, { earlier: undefined, confirm }, {})
    t.equal(outcome, 'taken')
    t.same(accounts, [undefined])
    t.equal(await users.find(stranger.id), undefined)
  })

  t.test('of simultaneous registrations of one address one makes the account, and the others its links', async (t) => {
    const address = `${randomUUID()}@example.org`
    const made = await Promise.all(Array.from({ length: 20 }, () => registerAgain(newUser(address))))
    t.same(made.map(({ outcome }) => outcome).sort(), [
      'registered',
      ...Array.from({ length: 19 }, () => 'registered_again')
    ])
    const alive = await Promise.all(made.map(({ link }) => links.find(link, ['email_verification'])))
    t.equal(alive.filter((link) => link !== undefined).length, 20)
    t.equal(hasPassword((await users.findByEmail(emailOf(address)))?.passwordHash ?? ''), false)
  })

  t.test('verifyEmail verifies once, ends the wait, and deletes the other links of its purpose', async (t) => {
    const user = newUser()
    const { link } = await registerUnconfirmed(user)
    const account = addressed(await users.find(user.id))
    const second = madeFor(account)
    await links.create(second, {})
    const live = await requireLink(link)
    t.same(await users.verifyEmail(live, { userId: user.id }), { awaited: true, passwordHash: user.passwordHash })
    t.match(await users.find(user.id), { emailVerifiedAt: Number })
    t.equal(await users.verifyEmail(live, {}), undefined)
    t.equal(await links.find(second.link, ['email_verification']), undefined)
    t.match(await eventsOf(stores, { userId: user.id, type: 'email_verified' }), [{ actorId: user.id }])

    const usual = await addUser(stores)
    const made = madeFor(usual)
    await links.create(made, {})
    t.match(await users.verifyEmail(await requireLink(made.link), {}), { awaited: false })
  })

  t.test(
    'a confirmation succeeds also during a registration, and returns the password that the account has then',
    async (t) => {
      for (let round = 0; round < stores.rounds / 5; round += 1) {
        const user = newUser()
        const { link } = await registerUnconfirmed(user)
        const live = await requireLink(link)
        const again = newUser(user.email.address)
        const [verified, { outcome }] = await Promise.all([users.verifyEmail(live, {}), registerAgain(again)])
        const account = await users.find(user.id)
        t.not(account?.emailVerifiedAt, null)
        t.equal(account?.passwordHash, outcome === 'taken' ? user.passwordHash : noPasswordHash(again.id))
        t.same(verified, { awaited: true, passwordHash: account?.passwordHash })
      }
    }
  )

  t.test('if a first login and a registration come at once, no session is left under another password', async (t) => {
    for (let round = 0; round < stores.rounds / 5; round += 1) {
      const user = newUser()
      await registerUnconfirmed(user)
      const account = addressed(await users.find(user.id))
      const again = newUser(user.email.address)
      const [session, { outcome }] = await Promise.all([tryLogin(stores, account), registerAgain(again)])
      t.equal(outcome, session === 'user_changed' ? 'registered_again' : 'taken')
    }
  })
}
