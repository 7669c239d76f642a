import { randomBytes, randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { LiveLink, MadeLink, NewLink } from '../../src/ports/mail.js'
import type { NewUser } from '../../src/ports/user-store.js'
import type { UserWithPassword } from '../../src/ports/users.js'
import { addUser, changed, digest, emailOf, eventsOf, login, ops, type Stores, tryLogin } from './stores.js'

const event = { type: 'email_verification_requested' } as const

/** The promises of the methods of a `UserStore` that register accounts and verify their addresses. */
export function testRegistrations(t: Test, stores: Stores): void {
  const { users, links, outbox } = stores

  const newUser = (address = `${randomUUID()}@example.org`): NewUser => {
    const id = randomUUID()
    return { id, email: emailOf(address), passwordHash: digest(id), roles: [], locale: 'de' }
  }

  const linkTo = (user: Pick<UserWithPassword, 'id' | 'email' | 'passwordHash'>): NewLink => ({
    id: randomUUID(),
    purpose: 'email_verification',
    userId: user.id,
    address: user.email,
    tokenHash: digest(randomBytes(8).toString('hex')),
    boundTo: user,
    mailed: true
  })

  const madeFor = (user: Pick<UserWithPassword, 'id' | 'email' | 'passwordHash'>) => {
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

  /** Registers as `registerUnconfirmed` of the service does. Returns the link too. */
  async function registerUnconfirmed(user: NewUser) {
    const written: NewLink[] = []
    const outcome = await users.registerUnconfirmed(
      user,
      (account) => {
        const made = madeFor(account ?? { ...user, email: user.email.address })
        written.push(made.link)
        return made
      },
      {}
    )
    const [link] = written
    if (link === undefined) throw new Error('no link was asked for')
    return { outcome, link }
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

  t.test('an unconfirmed account takes the newest password, address and locale, and its older links die', async (t) => {
    const first = newUser()
    const { outcome, link } = await registerUnconfirmed(first)
    t.equal(outcome, 'registered')
    t.match(await users.find(first.id), { passwordHash: first.passwordHash, locale: 'de', emailVerifiedAt: null })

    const again = { ...newUser(first.email.address.toUpperCase()), locale: undefined }
    const second = await registerUnconfirmed(again)
    t.equal(second.outcome, 'registered_again')
    t.equal(await users.find(again.id), undefined)
    t.match(await users.find(first.id), { email: again.email.address, passwordHash: again.passwordHash, locale: null })
    t.equal(await links.find(link, ['email_verification']), undefined)
    t.match(await links.find(second.link, ['email_verification']), { user: { id: first.id } })
  })

  t.test('an account that was used, confirmed or disabled is left as it is', async (t) => {
    const [used, confirmed, disabled] = [newUser(), newUser(), newUser()]
    for (const user of [used, disabled]) await registerUnconfirmed(user)
    const unconfirmed = await users.find(used.id)
    if (unconfirmed === undefined) throw new Error('there is no account')
    await login(stores, unconfirmed)
    const { link } = await registerUnconfirmed(confirmed)
    t.same(await users.verifyEmail(await requireLink(link), {}), { awaited: true })
    changed(await users.update(disabled.id, { disabled: true }, ops))
    const older = await addUser(stores)

    for (const id of [used.id, confirmed.id, disabled.id, older.id]) {
      const before = await users.find(id)
      const { outcome } = await registerUnconfirmed(newUser(before?.email))
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
    const outcome = await users.registerUnconfirmed(
      stranger,
      (account) => {
        accounts.push(account)
        return { ...madeFor({ ...stranger, email: mover.email }), pretend: true }
      },
      {}
    )
    t.equal(outcome, 'taken')
    t.same(accounts, [undefined])
    t.equal(await users.find(stranger.id), undefined)
  })

  t.test('of simultaneous registrations of one address one makes the account, and one link is alive', async (t) => {
    const address = `${randomUUID()}@example.org`
    const made = await Promise.all(Array.from({ length: 20 }, () => registerUnconfirmed(newUser(address))))
    t.same(made.map(({ outcome }) => outcome).sort(), [
      'registered',
      ...Array.from({ length: 19 }, () => 'registered_again')
    ])
    const alive = await Promise.all(made.map(({ link }) => links.find(link, ['email_verification'])))
    t.equal(alive.filter((link) => link !== undefined).length, 1)
  })

  t.test('verifyEmail verifies once, ends the wait, and deletes the other links of its purpose', async (t) => {
    const user = newUser()
    const { link } = await registerUnconfirmed(user)
    const account = await users.find(user.id)
    if (account === undefined) throw new Error('there is no account')
    const second = madeFor(account)
    await links.create(second, {})
    const live = await requireLink(link)
    t.same(await users.verifyEmail(live, { userId: user.id }), { awaited: true })
    t.match(await users.find(user.id), { emailVerifiedAt: Number })
    t.equal(await users.verifyEmail(live, {}), undefined)
    t.equal(await links.find(second.link, ['email_verification']), undefined)
    t.match(await eventsOf(stores, { userId: user.id, type: 'email_verified' }), [{ actorId: user.id }])

    const usual = await addUser(stores)
    const made = madeFor(usual)
    await links.create(made, {})
    t.same(await users.verifyEmail(await requireLink(made.link), {}), { awaited: false })
  })

  t.test('of a simultaneous confirmation and registration, the later one sees the earlier one', async (t) => {
    for (let round = 0; round < stores.rounds / 5; round += 1) {
      const user = newUser()
      const { link } = await registerUnconfirmed(user)
      const live = await requireLink(link)
      const again = newUser(user.email.address)
      const [verified, { outcome }] = await Promise.all([users.verifyEmail(live, {}), registerUnconfirmed(again)])
      const account = await users.find(user.id)
      const isConfirmed = verified !== undefined
      t.equal(outcome, isConfirmed ? 'taken' : 'registered_again')
      t.equal(account?.passwordHash, isConfirmed ? user.passwordHash : again.passwordHash)
      t.equal(account?.emailVerifiedAt !== null, isConfirmed)
    }
  })

  t.test('if a first login and a registration come at once, no session is left under another password', async (t) => {
    for (let round = 0; round < stores.rounds / 5; round += 1) {
      const user = newUser()
      await registerUnconfirmed(user)
      const account = await users.find(user.id)
      if (account === undefined) throw new Error('there is no account')
      const again = newUser(user.email.address)
      const [session, { outcome }] = await Promise.all([tryLogin(stores, account), registerUnconfirmed(again)])
      t.equal(outcome, session === 'user_changed' ? 'registered_again' : 'taken')
    }
  })
}
