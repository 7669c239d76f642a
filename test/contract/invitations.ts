import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { NewLink, NewMail } from '../../src/ports/mail.js'
import { addUser, digest, emailOf, eventsOf, ops, type Stores } from './stores.js'

function invitationFor(address: string, { mailed }: { readonly mailed: boolean }) {
  const id = randomUUID()
  const user = {
    id,
    email: emailOf(address),
    passwordHash: `none:${id}`,
    roles: ['reader'],
    emailVerified: true,
    locale: 'de'
  }
  const link: NewLink = {
    id: randomUUID(),
    purpose: 'invitation',
    userId: id,
    address,
    tokenHash: digest(id),
    boundTo: { email: address, passwordHash: user.passwordHash },
    mailed
  }
  const mail: NewMail = {
    id: randomUUID(),
    kind: 'invitation',
    userId: id,
    recipient: address,
    locale: 'de',
    parameters: {},
    linkId: link.id
  }
  const event = { type: 'user_invited', userId: id, reason: mailed ? 'mail' : 'link' } as const
  return { user, link, event, ...(mailed && { mail }) }
}

/** The promises of `UserStore.createWithLink` for an invitation, and of `resetPassword` by an invitation. */
export function testInvitations(t: Test, stores: Stores): void {
  const { users, links, outbox } = stores
  const newAddress = () => `${randomUUID()}@example.org`

  t.test('createWithLink adds the account, the link, the mail and both events', async (t) => {
    const { user, ...invitation } = invitationFor(newAddress(), { mailed: true })
    const expected = { id: user.id, roles: ['reader'], locale: 'de', emailVerifiedAt: Number }
    t.match(await users.createWithLink(user, invitation, ops), expected)
    t.match(await users.find(user.id), { ...expected, passwordHash: user.passwordHash })
    t.match(await links.find(invitation.link, ['invitation']), { mailed: true, user: { id: user.id } })
    t.match(await eventsOf(stores, { userId: user.id }), [
      { type: 'user_invited', reason: 'mail', actorId: ops.userId },
      { type: 'user_registered', reason: null, actorId: ops.userId }
    ])
    t.match(
      (await outbox.claim(1000, 60)).filter(({ userId }) => userId === user.id),
      [{ kind: 'invitation', locale: 'de', link: { id: invitation.link.id } }]
    )
    await stores.age(7 * 86_400)
    t.equal(await links.find(invitation.link, ['invitation']), undefined, 'it lives for 7 days')
  })

  t.test('createWithLink of a taken address adds nothing', async (t) => {
    const { email } = await addUser(stores)
    const { user, ...invitation } = invitationFor(email, { mailed: true })
    t.equal(await users.createWithLink(user, invitation, ops), 'email_taken')
    t.equal(await links.find(invitation.link, ['invitation']), undefined)
    t.same(await eventsOf(stores, { userId: user.id }), [])
    t.same(
      (await outbox.claim(1000, 60)).filter(({ userId }) => userId === user.id),
      []
    )
  })

  t.test('if the link cannot be written, no account is created', async (t) => {
    const { user, ...made } = invitationFor(newAddress(), { mailed: false })
    t.equal((await users.createWithLink(user, made, ops)) === 'email_taken', false)
    const other = invitationFor(newAddress(), { mailed: false })
    const twin = { ...other.link, id: made.link.id }
    await t.rejects(users.createWithLink(other.user, { link: twin, event: other.event }, ops))
    t.equal(await users.find(other.user.id), undefined)
    t.same(await eventsOf(stores, { userId: other.user.id }), [])
  })

  t.test('of simultaneous invitations of one address, and acceptances of one invitation, one succeeds', async (t) => {
    const address = newAddress()
    const all = Array.from({ length: 6 }, () => invitationFor(address, { mailed: false }))
    const made = await Promise.all(all.map(({ user, ...made }) => users.createWithLink(user, made, ops)))
    const won = all.filter((_, i) => made[i] !== 'email_taken')
    t.equal(won.length, 1)
    const live = await Promise.all(all.map(({ link }) => links.find(link, ['invitation'])))
    const [link, ...others] = live.filter((each) => each !== undefined)
    if (link === undefined) throw new Error('the invitation is dead')
    t.equal(others.length, 0)

    const accepted = await Promise.all(
      Array.from({ length: 6 }, (_, i) => users.resetPassword({ link, newHash: `new ${i}`, mails: [] }, {}))
    )
    t.equal(accepted.filter((revocations) => revocations !== undefined).length, 1)
    t.match(await eventsOf(stores, { userId: link.userId, type: 'password_reset' }), [{ reason: 'invitation' }])
    t.equal(await links.find(link, ['invitation']), undefined)
  })
}
