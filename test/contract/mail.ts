import { randomBytes, randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { mailLifeSeconds } from '../../src/core/mail.js'
import type { ClaimedMail, NewLink, NewMail } from '../../src/ports/mail.js'
import type { AddressedUser } from '../../src/ports/users.js'
import { addUser, changed, digest, eventsOf, login, ops, replacementOf, type Stores } from './stores.js'

const requested = { type: 'password_reset_requested' } as const

function linkFor(user: AddressedUser, changes: Partial<NewLink> = {}): NewLink {
  return {
    id: randomUUID(),
    purpose: 'password_reset',
    userId: user.id,
    address: user.email,
    tokenHash: digest(randomBytes(8).toString('hex')),
    boundTo: user,
    mailed: true,
    ...changes
  }
}

const mailFor = (user: AddressedUser, link: NewLink): NewMail => ({
  id: randomUUID(),
  kind: 'password_reset',
  userId: user.id,
  recipient: user.email,
  locale: 'de',
  parameters: {},
  linkId: link.id
})

const noticeFor = (user: AddressedUser): NewMail => ({
  id: randomUUID(),
  kind: 'password_was_reset',
  userId: user.id,
  recipient: user.email,
  locale: user.locale,
  parameters: { at: '2026-11-27T22:00:00Z', ip: '192.0.2.7', user_agent: null }
})

async function addLink(stores: Stores, user: AddressedUser, changes: Partial<NewLink> = {}) {
  const link = linkFor(user, changes)
  await stores.links.create({ link, event: { ...requested, userId: user.id } }, ops)
  return link
}

async function requireLink(stores: Stores, link: NewLink) {
  const live = await stores.links.find(link, ['password_reset'])
  if (live === undefined) throw new Error('the link is dead')
  return live
}

/** The promises of every `LinkStore`, and of the methods of a `UserStore` that use links up. */
export function testLinks(t: Test, stores: Stores): void {
  const { users, sessions, events, links, outbox } = stores

  t.test('a link is found by its id, purpose and token hash together, until its life ends', async (t) => {
    const user = await addUser(stores)
    const link = linkFor(user)
    const before = (await login(stores, user)).now
    const expiresAt = await links.create({ link, event: { ...requested, userId: user.id } }, ops)
    t.ok(expiresAt >= before + 1_800_000 && expiresAt < before + 1_860_000, 'it lives for half an hour')

    const { boundTo: _, ...found } = link
    t.same(await links.find(link, ['password_reset']), { ...found, user })
    t.equal(await links.find({ ...link, id: randomUUID() }, ['password_reset']), undefined)
    t.equal(await links.find(link, ['invitation', 'email_undo']), undefined)
    t.equal(await links.find({ ...link, tokenHash: digest('another') }, ['password_reset']), undefined)
    t.match(await eventsOf(stores, { userId: user.id, type: requested.type }), [{ actorId: ops.userId }])

    await stores.age(1800)
    t.equal(await links.find(link, ['password_reset']), undefined)
  })

  t.test(
    'a bound link is dead once the password has changed, and lives on with a stronger hash of the same',
    async (t) => {
      const user = await addUser(stores)
      const [bound, unbound] = [await addLink(stores, user), await addLink(stores, user, { boundTo: undefined })]
      await users.upgradePasswordHash(user.id, user.passwordHash, 'stronger')
      t.match(await links.find(bound, ['password_reset']), { user: { passwordHash: 'stronger' } })
      const seen = await requireLink(stores, bound)

      const replacement = replacementOf(await login(stores, { ...user, passwordHash: 'stronger' }))
      await users.changePassword({ userId: user.id, oldHash: 'stronger', newHash: 'new', replacement }, {})
      t.equal(await links.find(bound, ['password_reset']), undefined)
      t.equal(await users.resetPassword({ link: seen, newHash: 'reset', mails: [] }, {}), undefined)
      t.equal((await users.find(user.id))?.passwordHash, 'new')
      t.ok(await links.find(unbound, ['password_reset']))
    }
  )

  t.test('a link that is bound to another address, or whose account is gone, is dead', async (t) => {
    const user = await addUser(stores)
    const moved = await addLink(stores, user, { boundTo: { ...user, email: `old-${user.email}` } })
    t.equal(await links.find(moved, ['password_reset']), undefined)
    const gone = await addLink(stores, user)
    changed(await users.delete(user.id, 'revoked_by_admin', ops))
    t.equal(await links.find(gone, ['password_reset']), undefined)
  })

  t.test('resetPassword sets the password once, ends every session, and writes its event and mails', async (t) => {
    const user = await addUser(stores)
    const [first, second] = [await login(stores, user), await login(stores, user)]
    const link = await requireLink(stores, await addLink(stores, user))
    const notice = noticeFor(user)
    const reset = { link, newHash: 'new', mails: [notice] }

    const revocations = await users.resetPassword(reset, { ip: '192.0.2.7' })
    t.same(
      revocations?.map(({ sid, reason }) => `${sid} ${reason}`).sort(),
      [first, second].map(({ id }) => `${id} password_reset`).sort()
    )
    t.match(await users.find(user.id), { passwordHash: 'new', emailVerifiedAt: Number })
    t.same(await sessions.listOfUser(user.id), [])
    t.equal((await events.endingOf(first.id))?.reason, 'password_reset')
    t.match(await eventsOf(stores, { userId: user.id, type: 'password_reset' }), [{ ip: '192.0.2.7' }])
    t.match(
      (await outbox.claim(100, 60)).filter(({ userId }) => userId === user.id),
      [{ ...notice, link: null }]
    )

    t.equal(await users.resetPassword({ ...reset, newHash: 'newer' }, {}), undefined, 'the link is used')
    t.equal((await users.find(user.id))?.passwordHash, 'new')
    t.equal(await links.find(link, ['password_reset']), undefined)
  })

  t.test('a link that an admin hands over does not verify the address', async (t) => {
    const user = await addUser(stores)
    const link = await requireLink(stores, await addLink(stores, user, { mailed: false }))
    t.ok(await users.resetPassword({ link, newHash: 'new', mails: [] }, {}))
    t.equal((await users.find(user.id))?.emailVerifiedAt, null)
  })

  t.test('of simultaneous resets by one link, or by two links of one account, one succeeds', async (t) => {
    for (let round = 0; round < stores.rounds / 5; round += 1) {
      const user = await addUser(stores)
      const pair = [await addLink(stores, user), await addLink(stores, user)]
      const live = await Promise.all(pair.map((link) => requireLink(stores, link)))
      const tries = [...live, ...live, ...live, ...live]
      const results = await Promise.all(
        tries.map((link, i) => users.resetPassword({ link, newHash: `new ${i}`, mails: [noticeFor(user)] }, {}))
      )
      const won = results.flatMap((result, i) => (result === undefined ? [] : [`new ${i}`]))
      if (won.length !== 1) t.fail(`round ${round}: ${won.length} resets succeeded`)
      t.equal((await users.find(user.id))?.passwordHash, won[0])
      t.equal((await eventsOf(stores, { userId: user.id, type: 'password_reset' })).length, 1)
    }
  })

  t.test('a login with the old password and a simultaneous reset leave no session', async (t) => {
    for (let round = 0; round < stores.rounds / 5; round += 1) {
      const user = await addUser(stores)
      const link = await requireLink(stores, await addLink(stores, user))
      const [reset] = await Promise.all([
        users.resetPassword({ link, newHash: 'new', mails: [] }, {}),
        login(stores, user).catch(() => undefined)
      ])
      if (reset === undefined) t.fail('the reset was refused')
      if ((await sessions.listOfUser(user.id)).length > 0) t.fail(`round ${round}: a session was left`)
    }
    t.pass()
  })

  t.test('removePassword ends every session and kills earlier links', async (t) => {
    const user = await addUser(stores)
    const session = await login(stores, user)
    const earlier = await addLink(stores, user)
    const change = { noPasswordHash: 'none:1', reason: 'revoked_by_admin', note: 'stolen' } as const
    t.match(await users.removePassword(user.id, change, ops), [{ sid: session.id, reason: 'revoked_by_admin' }])
    t.equal((await users.find(user.id))?.passwordHash, 'none:1')
    t.equal(await links.find(earlier, ['password_reset']), undefined)
    t.match(await eventsOf(stores, { sessionId: session.id, type: 'session_ended' }), [{ note: 'stolen' }])
  })

  t.test('with pretend, the link is dead and the mail is never sent', async (t) => {
    const user = await addUser(stores)
    const link = linkFor(user)
    const event = { ...requested, userId: user.id, reason: 'limited' }
    await links.create({ link, mail: mailFor(user, link), event: { ...event, note: 'why' }, pretend: true }, {})
    t.equal(await links.find(link, ['password_reset']), undefined)
    t.same(
      (await outbox.claim(100, 60)).filter(({ userId }) => userId === user.id),
      []
    )
    t.match(await eventsOf(stores, { userId: user.id, type: requested.type }), [{ reason: 'limited', note: 'why' }])
  })

  t.test('create stores the language and whether the address counts as verified', async (t) => {
    const id = randomUUID()
    const email = { address: `${id}@example.org`, key: `${id}@example.org`, olderKey: `${id}@example.org` }
    const made = await users.create({ id, email, passwordHash: 'h', roles: [], emailVerified: true, locale: 'de' }, {})
    t.match(made, { locale: 'de', emailVerifiedAt: Number })
    t.match(await addUser(stores), { locale: null, emailVerifiedAt: null })
  })
}

/** The promises of every `Outbox`. */
export function testOutbox(t: Test, stores: Stores): void {
  const { links, outbox } = stores
  const leaseSeconds = 60

  async function queue(user?: AddressedUser) {
    const owner = user ?? (await addUser(stores))
    const link = linkFor(owner)
    const mail = mailFor(owner, link)
    await links.create({ link, mail, event: { ...requested, userId: owner.id } }, ops)
    return { user: owner, link, mail }
  }

  /** Claims all mails that are due. Returns those of `id`. */
  async function claim(id: string): Promise<readonly ClaimedMail[]> {
    return (await outbox.claim(1000, leaseSeconds)).filter((mail) => mail.id === id)
  }

  async function claimOne(id: string): Promise<ClaimedMail> {
    const [mail] = await claim(id)
    if (mail === undefined) throw new Error('the mail is not due')
    return mail
  }

  t.test('a mail is claimed once, and again only when the lease is over', async (t) => {
    const { mail, link } = await queue()
    const { linkId, ...content } = mail
    const claimed = await claimOne(mail.id)
    t.match(claimed, {
      ...content,
      attempts: 1,
      link: { id: linkId, purpose: link.purpose, tokenHash: link.tokenHash }
    })
    t.same(await claim(mail.id), [])
    await stores.age(leaseSeconds)
    t.match(await claim(mail.id), [{ attempts: 2, ageSeconds: Number }])
  })

  t.test('a mail that was sent, bounced, given up or dropped is not claimed again, and has its event', async (t) => {
    for (const outcome of ['sent', 'bounced', 'given_up', 'dropped'] as const) {
      const { mail, user } = await queue()
      await outbox.finish(await claimOne(mail.id), outcome, 'a reply')
      await stores.age(2 * mailLifeSeconds)
      t.same(await claim(mail.id), [], outcome)
      const noted = (await eventsOf(stores, { userId: user.id })).filter(({ type }) => type.startsWith('mail_'))
      t.same(
        noted.map(({ type, reason }) => `${type} ${reason}`),
        { sent: [], bounced: ['mail_bounced password_reset'], given_up: ['mail_given_up password_reset'], dropped: [] }[
          outcome
        ]
      )
    }
  })

  t.test('a mail that is to be retried is due after the pause', async (t) => {
    const { mail } = await queue()
    await outbox.retry(await claimOne(mail.id), 300, 'greylisted')
    await stores.age(299)
    t.same(await claim(mail.id), [])
    await stores.age(1)
    t.match(await claim(mail.id), [{ attempts: 2 }])
  })

  t.test('an instance that lost its lease changes nothing', async (t) => {
    const { mail, user } = await queue()
    const late = await claimOne(mail.id)
    await stores.age(leaseSeconds)
    const current = await claimOne(mail.id)
    await outbox.finish(late, 'bounced')
    await outbox.retry(late, 86_400, 'late')
    t.same(await eventsOf(stores, { userId: user.id, type: 'mail_bounced' }), [])
    await stores.age(leaseSeconds)
    t.match(await claim(mail.id), [{ attempts: current.attempts + 1 }])
  })

  t.test('the life of a link begins when its mail is sent', async (t) => {
    const { mail, link } = await queue()
    await stores.age(5 * 3600)
    t.equal(await links.find(link, ['password_reset']), undefined)
    await claimOne(mail.id)
    t.ok(await links.find(link, ['password_reset']))
    await stores.age(1799)
    t.ok(await links.find(link, ['password_reset']))
    await stores.age(1)
    t.equal(await links.find(link, ['password_reset']), undefined)
  })

  t.test('a mail whose link has been used says so', async (t) => {
    const { mail, link } = await queue()
    const live = await requireLink(stores, link)
    await stores.users.resetPassword({ link: live, newHash: 'new', mails: [] }, {})
    t.match(await claim(mail.id), [{ link: 'dead' }])
  })

  t.test('simultaneous claims share the mails, and each is claimed once', async (t) => {
    await outbox.claim(1000, leaseSeconds)
    const mine = new Set<string>()
    for (let i = 0; i < 20; i += 1) mine.add((await queue()).mail.id)
    const claims = await Promise.all(Array.from({ length: 8 }, () => outbox.claim(5, leaseSeconds)))
    const ids = claims.flat().map(({ id }) => id)
    t.equal(new Set(ids).size, ids.length)
    let page: readonly ClaimedMail[]
    do {
      page = await outbox.claim(5, leaseSeconds)
      for (const { id } of page) mine.delete(id)
    } while (page.length > 0)
    for (const id of ids) mine.delete(id)
    t.equal(mine.size, 0)
  })

  t.test('the backlog counts what is not done, and the age of the oldest', async (t) => {
    for (const mail of await outbox.claim(1000, leaseSeconds)) await outbox.finish(mail, 'sent')
    await stores.age(leaseSeconds)
    for (const mail of await outbox.claim(1000, leaseSeconds)) await outbox.finish(mail, 'sent')
    t.same(await outbox.backlog(), { pending: 0, oldestSeconds: 0 })
    const { mail } = await queue()
    await stores.age(100)
    await queue()
    const { pending, oldestSeconds } = await outbox.backlog()
    t.equal(pending, 2)
    t.ok(oldestSeconds >= 100 && oldestSeconds < 160)
    await outbox.finish(await claimOne(mail.id), 'sent')
    t.equal((await outbox.backlog()).pending, 1)
  })
}
