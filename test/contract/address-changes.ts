import { randomBytes, randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { LiveLink, NewLink } from '../../src/ports/mail.js'
import type { UserWithPassword } from '../../src/ports/users.js'
import { addUser, digest, emailOf, eventsOf, login, ops, type Stores } from './stores.js'

const newAddress = () => emailOf(`${randomUUID()}@example.org`)

/** The promises of the methods of a `UserStore` that change an address. */
export function testAddressChanges(t: Test, stores: Stores): void {
  const { users, sessions, links, outbox } = stores

  async function linkTo(user: UserWithPassword, address: string, purpose: 'email_change' | 'email_undo') {
    const link: NewLink = {
      id: randomUUID(),
      purpose,
      userId: user.id,
      address,
      tokenHash: digest(randomBytes(8).toString('hex')),
      boundTo: purpose === 'email_change' ? user : undefined,
      mailed: true
    }
    await links.create({ link, event: { type: 'email_change_requested', userId: user.id } }, ops)
    return requireLink(link)
  }

  async function requireLink(link: NewLink): Promise<LiveLink> {
    const live = await links.find(link, [link.purpose])
    if (live === undefined) throw new Error('the link is dead')
    return live
  }

  const undoOf = (user: UserWithPassword): NewLink => ({
    id: randomUUID(),
    purpose: 'email_undo',
    userId: user.id,
    address: user.email,
    tokenHash: digest(randomBytes(8).toString('hex')),
    mailed: true,
    reservedEmailKey: emailOf(user.email).key
  })

  /** Changes the address of `user` as `confirmEmailChange` does. Returns the link that undoes it. */
  async function moveTo(user: UserWithPassword, email = newAddress()) {
    const link = await linkTo(user, email.address, 'email_change')
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
    return { email, undo, mail, outcome: await users.changeEmail({ link, email, undo, mails: [mail] }, ops) }
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
    const link = await linkTo(user, first.address, 'email_change')
    await moveTo(user)
    t.equal(await users.changeEmail({ link, email: first, undo: undoOf(user), mails: [] }, ops), 'dead')
    t.equal(await users.findByEmail(first), undefined)
  })

  t.test('an address of another account is refused, and the link can be used once it is free', async (t) => {
    const [user, other] = [await addUser(stores), await addUser(stores)]
    const email = emailOf(other.email)
    const link = await linkTo(user, email.address, 'email_change')
    const change = { link, email, undo: undoOf(user), mails: [] }
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

  t.test('undoEmailChange gives the old address back and ends every session', async (t) => {
    const user = await addUser(stores)
    const { undo } = await moveTo(user)
    const session = await login(stores, user)
    const change = { link: await requireLink(undo), email: emailOf(user.email) }
    t.match(await users.undoEmailChange(change, {}), [{ sid: session.id, reason: 'revoked_by_user' }])
    t.match(await users.find(user.id), { email: user.email, passwordHash: user.passwordHash })
    t.same(await sessions.listOfUser(user.id), [])
    t.equal((await eventsOf(stores, { userId: user.id, type: 'email_change_undone' })).length, 1)
    t.equal(await users.undoEmailChange(change, {}), 'dead')
  })

  t.test('another link of before the change stays dead when the old address is back', async (t) => {
    const user = await addUser(stores)
    const another = await linkTo(user, newAddress().address, 'email_change')
    const { undo } = await moveTo(user)
    await users.undoEmailChange({ link: await requireLink(undo), email: emailOf(user.email) }, {})
    t.match(await users.find(user.id), { email: user.email })
    t.equal(await links.find(another, ['email_change']), undefined)
    const late = { link: another, email: newAddress(), undo: undoOf(user), mails: [] }
    t.equal(await users.changeEmail(late, ops), 'dead')
  })

  t.test('a link that waits while the account is disabled does nothing, except that an undo does', async (t) => {
    const user = await addUser(stores)
    const { email, undo } = await moveTo(user)
    const moved = await users.find(user.id)
    if (moved === undefined) throw new Error('the account is gone')
    const change = await linkTo(moved, newAddress().address, 'email_change')
    await users.update(user.id, { disabled: true }, ops)
    t.equal(await links.find(change, ['email_change']), undefined)
    const late = { link: change, email: newAddress(), undo: undoOf(moved), mails: [] }
    t.equal(await users.changeEmail(late, ops), 'dead')
    t.match(await users.find(user.id), { email: email.address })
    t.same(await users.undoEmailChange({ link: await requireLink(undo), email: emailOf(user.email) }, {}), [])
  })

  t.test('the owner has the last word: an undo kills later undos, and an earlier one outlives it', async (t) => {
    const owner = await addUser(stores)
    const first = await moveTo(owner)
    const thief = await users.find(owner.id)
    if (thief === undefined) throw new Error('the account is gone')
    const second = await moveTo(thief)
    const [ownersUndo, thiefsUndo] = [await requireLink(first.undo), await requireLink(second.undo)]

    t.same(await users.undoEmailChange({ link: thiefsUndo, email: first.email }, {}), [])
    t.same(await users.undoEmailChange({ link: ownersUndo, email: emailOf(owner.email) }, {}), [])
    t.match(await users.find(owner.id), { email: owner.email })

    const third = await moveTo(owner)
    const moved = await users.find(owner.id)
    if (moved === undefined) throw new Error('the account is gone')
    const fourth = await moveTo(moved)
    const laterUndo = await requireLink(fourth.undo)
    const undone = await users.undoEmailChange({ link: await requireLink(third.undo), email: emailOf(owner.email) }, {})
    t.same(undone, [])
    t.equal(await users.undoEmailChange({ link: laterUndo, email: third.email }, {}), 'dead')
    t.match(await users.find(owner.id), { email: owner.email })
  })
}
