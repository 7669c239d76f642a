import { randomBytes, randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { LinkPurpose } from '../../src/core/mail.js'
import type { LiveLink, NewLink, UndoLink } from '../../src/ports/mail.js'
import type { AddressedUser } from '../../src/ports/users.js'
import { addressed, addUser, digest, emailOf, eventsOf, login, ops, type Stores } from './stores.js'

const newAddress = () => emailOf(`${randomUUID()}@example.org`)

/** The promises of the methods of a `UserStore` that change an address. */
export function testAddressChanges(t: Test, stores: Stores): void {
  const { users, sessions, links, outbox } = stores

  const linkFor = (user: AddressedUser, address: string, purpose: LinkPurpose): NewLink => ({
    id: randomUUID(),
    purpose,
    userId: user.id,
    address,
    tokenHash: digest(randomBytes(8).toString('hex')),
    mailed: true
  })

  async function changeTo(user: AddressedUser, address: string) {
    const link = { ...linkFor(user, address, 'email_change'), boundTo: user }
    await links.create({ link, event: { type: 'email_change_requested', userId: user.id } }, ops)
    return requireLink(link)
  }

  async function requireLink(link: NewLink): Promise<LiveLink> {
    const live = await links.find(link, [link.purpose])
    if (live === undefined) throw new Error('the link is dead')
    return live
  }

  const undoOf = (user: AddressedUser): NewLink => ({
    ...linkFor(user, user.email, 'email_undo'),
    reservedEmailKey: emailOf(user.email).key
  })
  const followNobody = (user: AddressedUser) => () => ({ undo: undoOf(user), mails: [] })

  /** Changes the address of `user` as `confirmEmailChange` does. Returns the link that undoes it. */
  async function moveTo(user: AddressedUser, email = newAddress()) {
    const link = await changeTo(user, email.address)
    const undo = undoOf(user)
    const mail = {
      id: randomUUID(),
      kind: 'email_changed',
      userId: user.id,
      recipient: user.email,
      locale: null,
      parameters: { new_email: email.address, at: '2026-11-27T22:00:00Z', ip: null, user_agent: null },
      linkId: undo.id
    } as const
    const change = { link, email, follow: () => ({ undo, mails: [mail] }) }
    return { email, undo, mail, outcome: await users.changeEmail(change, ops) }
  }

  /** Undoes a change by its link as `undoEmailChange` does. Returns the link for a new password too. */
  async function undoBy(link: LiveLink) {
    const email = emailOf(link.address)
    const noPasswordHash = `none:${randomUUID()}`
    const boundTo = { email: email.address, passwordHash: noPasswordHash }
    const reset = { ...linkFor(addressed(link.user), email.address, 'password_reset'), boundTo }
    const undo = { link, email, noPasswordHash, reset, mails: [] }
    return { reset, noPasswordHash, outcome: await users.undoEmailChange(undo, {}) }
  }

  async function find(user: Pick<AddressedUser, 'id'>): Promise<AddressedUser> {
    return addressed(await users.find(user.id))
  }

  t.test('changeEmail moves the account to a verified address, and tells the old one', async (t) => {
    const user = await addUser(stores)
    const session = await login(stores, user)
    const { email, undo, mail, outcome } = await moveTo(user)
    t.equal(outcome, 'changed')
    t.match(await users.find(user.id), { email: email.address, emailVerifiedAt: Number })
    t.equal(await users.findByEmail(emailOf(user.email)), undefined)
    t.equal((await users.findByEmail(email))?.id, user.id)
    t.match(await sessions.listOfUser(user.id), [{ id: session.id }], 'its sessions go on')
    t.equal((await eventsOf(stores, { userId: user.id, type: 'email_changed' })).length, 1)
    const mails = (await outbox.claim(100, 60)).filter(({ userId }) => userId === user.id)
    t.match(mails, [{ id: mail.id, recipient: user.email, link: { id: undo.id, purpose: 'email_undo' } }])
  })

  t.test('a link changes the address once, and is dead after another change', async (t) => {
    const user = await addUser(stores)
    const first = newAddress()
    const link = await changeTo(user, first.address)
    await moveTo(user)
    t.equal(await users.changeEmail({ link, email: first, follow: followNobody(user) }, ops), 'dead')
    t.equal(await users.findByEmail(first), undefined)
  })

  t.test('an address of another account is refused, and the link can be used once it is free', async (t) => {
    const [user, other] = [await addUser(stores), await addUser(stores)]
    const email = emailOf(other.email)
    const link = await changeTo(user, email.address)
    const change = { link, email, follow: followNobody(user) }
    t.equal(await users.changeEmail(change, ops), 'email_taken')
    await users.delete(other.id, 'revoked_by_admin', ops)
    t.equal(await users.changeEmail(change, ops), 'changed')
  })

  t.test('of simultaneous changes of two accounts to one address, one succeeds', async (t) => {
    for (let round = 0; round < stores.rounds / 5; round += 1) {
      const email = newAddress()
      const both = [await addUser(stores), await addUser(stores)]
      const outcomes = await Promise.all(both.map((user) => moveTo(user, email)))
      t.same(outcomes.map(({ outcome }) => outcome).sort(), ['changed', 'email_taken'])
    }
  })

  t.test('while a change can be undone, nobody else can take the old address', async (t) => {
    const [user, other] = [await addUser(stores), await addUser(stores)]
    await moveTo(user)
    const stranger = { id: randomUUID(), email: emailOf(user.email), passwordHash: 'hash', roles: [] }
    t.equal(await users.create(stranger, {}), 'email_taken')
    t.equal((await moveTo(other, emailOf(user.email))).outcome, 'email_taken')
    await stores.age(7 * 86_400)
    t.match(await users.create(stranger, {}), { id: stranger.id })
  })

  t.test('undoEmailChange gives the old address back, removes the password and ends every session', async (t) => {
    const user = await addUser(stores)
    const { undo } = await moveTo(user)
    const session = await login(stores, user)
    const link = await requireLink(undo)
    const { outcome, reset, noPasswordHash } = await undoBy(link)
    t.match(outcome, [{ sid: session.id, reason: 'revoked_by_user' }])
    t.match(await users.find(user.id), { email: user.email, passwordHash: noPasswordHash, emailVerifiedAt: Number })
    t.same(await sessions.listOfUser(user.id), [])
    for (const type of ['email_change_undone', 'password_removed'] as const) {
      t.equal((await eventsOf(stores, { userId: user.id, type })).length, 1, type)
    }
    t.ok(await links.find(reset, ['password_reset']), 'the link for a new password is alive')
    t.equal((await undoBy(link)).outcome, 'dead')
  })

  t.test('undoEmailChange writes no link for a password if it gets none', async (t) => {
    const user = await addUser(stores)
    const { undo } = await moveTo(user)
    const link = await requireLink(undo)
    const noPasswordHash = `none:${randomUUID()}`
    const email = emailOf(link.address)
    t.same(await users.undoEmailChange({ link, email, noPasswordHash, reset: undefined, mails: [] }, {}), [])
    t.match(await users.find(user.id), { email: user.email, passwordHash: noPasswordHash })
  })

  t.test('another link of before the change stays dead when the old address is back', async (t) => {
    const user = await addUser(stores)
    const another = await changeTo(user, newAddress().address)
    const { undo } = await moveTo(user)
    await undoBy(await requireLink(undo))
    t.match(await users.find(user.id), { email: user.email })
    t.equal(await links.find(another, ['email_change']), undefined)
    const late = { link: another, email: newAddress(), follow: followNobody(user) }
    t.equal(await users.changeEmail(late, ops), 'dead')
  })

  t.test('a link that waits while the account is disabled does nothing, except that an undo does', async (t) => {
    const user = await addUser(stores)
    const { email, undo } = await moveTo(user)
    const moved = await find(user)
    const change = await changeTo(moved, newAddress().address)
    await users.update(user.id, { disabled: true }, ops)
    t.equal(await links.find(change, ['email_change']), undefined)
    const late = { link: change, email: newAddress(), follow: followNobody(moved) }
    t.equal(await users.changeEmail(late, ops), 'dead')
    t.match(await users.find(user.id), { email: email.address })
    t.same((await undoBy(await requireLink(undo))).outcome, [])
  })

  t.test(
    'changeEmail renews, replaces or deletes the undo link that it finds; an account has no second one',
    async (t) => {
      const owner = await addUser(stores)
      const { undo: first } = await moveTo(owner)
      const seen: unknown[] = []
      const change = async (followed: 'renew' | 'delete' | NewLink) => {
        const user = await find(owner)
        const email = newAddress()
        const link = await changeTo(user, email.address)
        const follow = (undo: UndoLink | undefined) => {
          seen.push(undo?.id)
          return { undo: followed, mails: [] }
        }
        t.equal(await users.changeEmail({ link, email, follow }, ops), 'changed')
      }
      const isAlive = async (link: NewLink) => (await links.find(link, ['email_undo'])) !== undefined

      await stores.age(6 * 86_400)
      await change('renew')
      await stores.age(6 * 86_400)
      t.ok(await isAlive(first), 'its life began anew')

      const second = undoOf(await find(owner))
      await change(second)
      t.notOk(await isAlive(first), 'the newer one has replaced it')
      t.ok(await isAlive(second))

      await change('delete')
      t.notOk(await isAlive(second))
      t.same(seen, [first.id, first.id, second.id])
    }
  )

  t.test('the end of all sessions of a user makes pending changes of the address dead, and no undo', async (t) => {
    const user = await addUser(stores)
    const { undo } = await moveTo(user)
    const moved = await find(user)
    const reason = 'revoked_by_user'
    const endings = {
      all: () => sessions.endAllOfUser(user.id, { reason }, {}),
      others: async () => sessions.endAllOfUser(user.id, { keepSid: (await login(stores, moved)).id, reason }, {}),
      last: async () => sessions.end({ sid: (await login(stores, moved)).id }, reason, {}, { endsAddressChanges: true })
    }
    for (const [name, end] of Object.entries(endings)) {
      const change = await changeTo(moved, newAddress().address)
      await end()
      t.equal(await links.find(change, ['email_change']), undefined, name)
    }
    t.ok(await links.find(undo, ['email_undo']))

    const change = await changeTo(await find(user), newAddress().address)
    await sessions.endAll(ops)
    t.equal(await links.find(change, ['email_change']), undefined, 'everybody')
    const late = { link: change, email: newAddress(), follow: followNobody(addressed(change.user)) }
    t.equal(await users.changeEmail(late, ops), 'dead')
    t.ok(await links.find(undo, ['email_undo']))

    const last = await changeTo(await find(user), newAddress().address)
    await users.removePassword(user.id, { noPasswordHash: `none:${randomUUID()}`, reason }, ops)
    t.equal(await links.find(last, ['email_change']), undefined, 'removePassword')
    t.equal(await links.find(undo, ['email_undo']), undefined, 'somebody else may read the old mailbox')
  })

  t.test('the end of one session leaves pending changes of the address alone', async (t) => {
    const user = await addUser(stores)
    const change = await changeTo(user, newAddress().address)
    await sessions.end({ sid: (await login(stores, user)).id }, 'logged_out', {})
    t.ok(await links.find(change, ['email_change']))
  })
}
