import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { noPasswordHash } from '../../src/core/password-policy.js'
import type { NewExternalUser } from '../../src/ports/user-store.js'
import {
  addressed,
  addUser,
  digest,
  emailOf,
  eventsOf,
  login,
  ops,
  replacementOf,
  type Stores,
  tryLogin
} from './stores.js'

/** The promises of the methods of a `UserStore` for people whose identity a host proves. */
export function testExternalUsers(t: Test, stores: Stores): void {
  const { users, sessions, links } = stores

  const newUser = (changes: Partial<NewExternalUser> = {}): NewExternalUser => ({
    id: randomUUID(),
    externalId: randomUUID(),
    passwordHash: noPasswordHash(randomUUID()),
    roles: [],
    ...changes
  })

  async function add(changes: Partial<NewExternalUser> = {}) {
    const user = newUser(changes)
    const created = await users.createExternal(user, {})
    if (typeof created === 'string') throw new Error(created)
    return { ...created, passwordHash: user.passwordHash, awaitsConfirmation: false }
  }

  t.test('a user with an external id has an address only if the host vouches for one', async (t) => {
    const bare = await add({ roles: ['editor'], locale: 'de' })
    t.match(bare, { email: null, emailVerifiedAt: null, roles: ['editor'], locale: 'de' })
    t.strictSame(await users.findByExternalId(bare.externalId ?? ''), bare)
    t.match(await eventsOf(stores, { userId: bare.id }), [{ type: 'user_registered', reason: 'host' }])

    const email = emailOf(`${randomUUID()}@example.org`)
    const named = await add({ verifiedEmail: email })
    t.match(named, { email: email.address, emailVerifiedAt: Number })
    t.strictSame(await users.findByEmail(email), named)

    t.match(await addUser(stores), { externalId: null })
    t.equal(await users.findByExternalId(randomUUID()), undefined)
  })

  t.test('an external id has 1 to 255 characters, and is taken exactly as it is', async (t) => {
    const longest = `${randomUUID()}${'😀'.repeat(219)}`
    t.equal((await add({ externalId: longest })).externalId, longest)
    await t.rejects(users.createExternal(newUser({ externalId: `${longest}x` }), {}))
    await t.rejects(users.createExternal(newUser({ externalId: '' }), {}))
    const { id } = await add({ externalId: `${longest.slice(0, 30)} A` })
    t.equal((await users.findByExternalId(`${longest.slice(0, 30)} A`))?.id, id)
    t.equal(await users.findByExternalId(`${longest.slice(0, 30)} a`), undefined)
  })

  t.test('an external id and an address each belong to one user', async (t) => {
    const email = emailOf(`${randomUUID()}@example.org`)
    const first = await add({ verifiedEmail: email })
    const again = newUser({ externalId: first.externalId ?? '' })
    t.equal(await users.createExternal(again, {}), 'external_id_taken')
    t.equal(await users.createExternal({ ...again, verifiedEmail: email }, {}), 'external_id_taken')
    t.equal(await users.createExternal(newUser({ verifiedEmail: email }), {}), 'email_taken')
    t.equal(await users.find(again.id), undefined)
    t.strictSame(await users.findByEmail(email), first, 'the account is not linked to another external id')
  })

  t.test('an address that the host has verified takes the place of an account that waits for it', async (t) => {
    const email = emailOf(`${randomUUID()}@example.org`)
    const waiting = { id: randomUUID(), email, passwordHash: digest('a stranger'), roles: [] }
    const registration = { earlier: undefined, confirm: () => ({ link: linkOf(waiting.id, email.address), event }) }
    const event = { type: 'user_registered' } as const
    await users.registerUnconfirmed(waiting, registration, {})
    const { id } = await add({ verifiedEmail: email })
    t.equal((await users.findByEmail(email))?.id, id)
    t.equal(await users.find(waiting.id), undefined)
  })

  t.test('of simultaneous additions of one external id one succeeds', async (t) => {
    for (let round = 0; round < stores.rounds / 5; round += 1) {
      const externalId = randomUUID()
      const email = emailOf(`${externalId}@example.org`)
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          users.createExternal(newUser({ externalId, ...(i % 2 === 0 && { verifiedEmail: email }) }), {})
        )
      )
      t.equal(results.filter((result) => typeof result !== 'string').length, 1)
      t.ok(results.every((result) => typeof result !== 'string' || result === 'external_id_taken'))
    }
  })

  t.test('an account gets an external id and loses it, and each change is an event', async (t) => {
    const user = await addUser(stores)
    const externalId = randomUUID()
    t.match(await users.update(user.id, { externalId }, ops), { user: { id: user.id, externalId }, revocations: [] })
    t.equal((await users.findByExternalId(externalId))?.id, user.id)
    t.match(await users.update(user.id, { externalId }, ops), { user: { externalId } }, 'the same again')
    t.match(await users.update(user.id, { roles: ['editor'] }, ops), { user: { externalId } }, 'left out, it stays')
    const next = `${externalId}, at another host`
    t.match(await users.update(user.id, { externalId: next }, ops), { user: { externalId: next } })
    t.match(await users.update(user.id, { externalId: null }, ops), { user: { externalId: null } })
    t.equal(await users.findByExternalId(externalId), undefined)
    const events = await eventsOf(stores, { userId: user.id, type: 'external_id_changed' })
    const about = { actorId: ops.userId, reason: null, sessionId: null }
    t.match(events, [{ note: next }, { note: externalId, ...about }, { note: null }], 'the id before, newest first')
    t.equal(events.length, 3)
    await t.rejects(users.update(user.id, { externalId: '' }, ops))
  })

  t.test('an external id that another account has is not taken from it, also in a race', async (t) => {
    const owner = await add()
    const user = await addUser(stores, { roles: ['editor'] })
    const taken = { externalId: owner.externalId, roles: [], disabled: true }
    t.equal(await users.update(user.id, taken, ops), 'external_id_taken')
    t.match(await users.find(user.id), { externalId: null, roles: ['editor'], disabled: false }, 'nothing is changed')
    t.equal((await users.findByExternalId(owner.externalId ?? ''))?.id, owner.id)

    for (let round = 0; round < stores.rounds / 5; round += 1) {
      const externalId = randomUUID()
      const people = await Promise.all([addUser(stores), addUser(stores), addUser(stores)])
      const results = await Promise.all(people.map(({ id }) => users.update(id, { externalId }, ops)))
      t.equal(results.filter((result) => result === 'external_id_taken').length, 2)
    }
  })

  t.test('the event of a deleted account has its external id', async (t) => {
    const user = await add()
    await users.delete(user.id, 'revoked_by_admin', ops)
    t.match(await eventsOf(stores, { userId: user.id, type: 'user_deleted' }), [{ note: user.externalId }])
  })

  t.test('a user without an address gets no notice, and everything else works', async (t) => {
    const user = await add()
    const first = await login(stores, user)
    await login(stores, user, { isNewDevice: true })
    t.match(await sessions.find(first.id), { user: { id: user.id, email: null } })
    t.ok(await sessions.end({ sid: first.id }, 'reuse_detected', {}))
    t.match(await users.update(user.id, { disabled: true }, ops), { user: { disabled: true, email: null } })
    t.equal(await tryLogin(stores, user), 'user_changed')
    t.same((await stores.mails.list({ userId: user.id }, { limit: 10 })).items, [])
    t.ok((await users.list({}, { limit: 50 })).items.some(({ id }) => id === user.id))
    t.ok(await users.delete(user.id, 'revoked_by_admin', ops))
    t.equal(await users.findByExternalId(user.externalId ?? ''), undefined)
  })

  t.test('a login that a host proves needs no password, and its events say so', async (t) => {
    const user = await addUser(stores)
    const byHost = { passwordHash: null, maxPerUser: 100 }
    const { secretHash, mode, device, userAgent, ip } = await login(stores, user)
    const session = {
      userId: user.id,
      mode,
      device,
      userAgent,
      ip,
      amr: ['fed'],
      idleTtlSeconds: 60,
      absoluteTtlSeconds: 60
    }
    const sid = randomUUID()
    const created = await sessions.create({ ...session, id: sid, secretHash }, byHost, {})
    t.match(created, { session: { id: sid, amr: ['fed'] } })
    t.match(await eventsOf(stores, { sessionId: sid }), [{ type: 'login_succeeded', reason: 'host' }])

    const replacement = replacementOf({ id: sid }, { amr: ['hwk'] })
    const proof = { userId: user.id, passwordHash: null }
    t.match(await sessions.replace(replacement, proof, {}), { session: { id: replacement.id, amr: ['fed', 'hwk'] } })
    t.match(await eventsOf(stores, { sessionId: replacement.id }), [{ type: 'reauthenticated', reason: 'host' }])

    await users.update(user.id, { disabled: true }, ops)
    t.equal(await sessions.create({ ...session, id: randomUUID(), secretHash }, byHost, {}), 'user_changed')
    t.equal(await sessions.replace(replacementOf(replacement), proof, {}), undefined)
  })

  t.test('a user without an address gets one by a link, which dies if the account has got another', async (t) => {
    const user = await add()
    const [email, other] = [emailOf(`${randomUUID()}@example.org`), emailOf(`${randomUUID()}@example.org`)]
    const follow = () => ({ undo: 'delete', mails: [] }) as const
    const [first, second] = [await addLink(email.address), await addLink(other.address)]
    t.equal(await users.changeEmail({ link: first, email, follow }, {}), 'changed')
    t.match(addressed(await users.find(user.id)), { email: email.address, emailVerifiedAt: Number })
    t.equal(await users.changeEmail({ link: second, email: other, follow }, {}), 'dead')
    t.equal(await links.find(second, ['email_change']), undefined)

    async function addLink(address: string) {
      const link = { ...linkOf(user.id, address), boundTo: user }
      await links.create({ link, event: { type: 'email_change_requested' } }, {})
      const found = await links.find(link, ['email_change'])
      if (found === undefined) throw new Error('the link is dead')
      return found
    }
  })
}

const linkOf = (userId: string, address: string) =>
  ({
    id: randomUUID(),
    purpose: 'email_change',
    userId,
    address,
    tokenHash: digest(randomUUID()),
    mailed: true
  }) as const
