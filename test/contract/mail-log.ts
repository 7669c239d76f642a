import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { InvalidCursor } from '../../src/ports/errors.js'
import type { MailOutcome, MailRecord } from '../../src/ports/mail.js'
import { addUser, changed, digest, ops, type Stores } from './stores.js'

/** The promises of every `MailLog`. */
export function testMailLog(t: Test, stores: Stores): void {
  const { links, outbox, mails } = stores
  const requested = { type: 'password_reset_requested' } as const

  /** Writes a mail with a link, to `user` or to nobody, and returns its id. */
  async function write(user: { readonly id: string; readonly email: string }, { pretend = false } = {}) {
    const id = randomUUID()
    const about = { userId: user.id, purpose: 'password_reset', address: user.email, mailed: true } as const
    const link = { ...about, id: randomUUID(), tokenHash: digest(id) }
    const parts = { kind: 'password_reset', recipient: user.email, locale: null, parameters: {} } as const
    await links.create(
      { link, mail: { ...parts, id, userId: user.id, linkId: link.id }, event: requested, pretend },
      ops
    )
    return id
  }

  async function finish(id: string, outcome: MailOutcome, error?: string) {
    const mail = (await outbox.claim(1000, 60)).find((mail) => mail.id === id)
    if (mail === undefined) throw new Error('the mail is not due')
    await outbox.finish(mail, outcome, error)
  }

  const listed = async (filter: Parameters<typeof mails.list>[0]) => (await mails.list(filter, { limit: 200 })).items

  t.test('a mail is listed with its state, and without its link and parameters', async (t) => {
    const user = await addUser(stores)
    const id = await write(user)
    const pending: MailRecord = {
      id,
      kind: 'password_reset',
      userId: user.id,
      recipient: user.email,
      state: 'pending',
      attempts: 0,
      createdAt: 0,
      nextAttemptAt: 0,
      doneAt: null,
      lastError: null
    }
    const [first] = await listed({ userId: user.id })
    t.strictSame({ ...first, createdAt: 0, nextAttemptAt: 0 }, pending)
    t.ok(first?.nextAttemptAt)

    const claimed = (await outbox.claim(1000, 60)).find((mail) => mail.id === id)
    if (claimed === undefined) throw new Error('the mail is not due')
    await outbox.retry(claimed, 300, 'greylisted')
    t.match(await listed({ userId: user.id }), [
      { state: 'pending', attempts: 1, lastError: 'greylisted', doneAt: null }
    ])
    await stores.age(300)
    await finish(id, 'bounced', 'no such person')
    t.match(await listed({ userId: user.id }), [
      { state: 'bounced', attempts: 2, nextAttemptAt: null, doneAt: Number, lastError: 'no such person' }
    ])
  })

  t.test('mails are filtered by user and state, and counted by state', async (t) => {
    const before = await mails.count(1000)
    const [user, other] = [await addUser(stores), await addUser(stores)]
    const ids: Record<string, string> = {}
    for (const outcome of ['sent', 'bounced', 'given_up', 'dropped'] as const) {
      ids[outcome] = await write(user)
      await finish(ids[outcome] ?? '', outcome)
    }
    ids.pending = await write(user)
    await write(other)
    for (const state of ['pending', 'sent', 'bounced', 'given_up', 'dropped'] as const) {
      t.match(await listed({ userId: user.id, state }), [{ id: ids[state], state }], state)
      t.ok((await listed({ state })).every((mail) => mail.state === state))
    }
    t.equal((await listed({ userId: user.id })).length, 5)
    t.equal((await listed({ userId: other.id })).length, 1)
    t.strictSame(await mails.count(1000), {
      pending: before.pending + 2,
      sent: before.sent + 1,
      bounced: before.bounced + 1,
      given_up: before.given_up + 1,
      dropped: before.dropped + 1
    })
    t.equal((await mails.count(1)).pending, 1, 'up to the limit')
  })

  t.test('mails of all states are listed page by page, newest first', async (t) => {
    const user = await addUser(stores)
    for (let i = 0; i < 7; i += 1) {
      const id = await write(user)
      if (i % 3 > 0) await finish(id, i % 3 === 1 ? 'sent' : 'bounced')
      if (i % 2 === 0) await stores.age(1)
    }
    for (const filter of [{}, { userId: user.id }]) {
      const all = await listed(filter)
      const walked: MailRecord[] = []
      let cursor: string | undefined
      do {
        const page = await mails.list(filter, { limit: 2, cursor })
        t.ok(page.items.length > 0)
        walked.push(...page.items)
        cursor = page.nextCursor ?? undefined
      } while (cursor !== undefined)
      t.strictSame(walked, all)
      t.strictSame(all, [...all].sort(newestFirst))
    }
    t.equal((await listed({ userId: user.id })).length, 7)
    await t.rejects(mails.list({}, { limit: 1, cursor: 'x' }), InvalidCursor)
    const { nextCursor } = await stores.users.list({}, { limit: 1 })
    await t.rejects(mails.list({}, { limit: 1, cursor: nextCursor ?? '' }), InvalidCursor)
  })

  t.test('deleting a user deletes their mails, also those that wait, and their links', async (t) => {
    const [user, other] = [await addUser(stores), await addUser(stores)]
    const sent = await write(user)
    await finish(sent, 'sent')
    const waiting = await write(user)
    await write(other)
    const reserving = {
      ...({ id: randomUUID(), userId: user.id, purpose: 'email_undo', mailed: true } as const),
      ...{ address: 'old@example.org', tokenHash: digest(waiting), reservedEmailKey: `old-${user.email}` }
    }
    await links.create({ link: reserving, event: requested }, ops)
    changed(await stores.users.delete(user.id, 'revoked_by_admin', ops))
    t.strictSame(await listed({ userId: user.id }), [])
    t.notOk(
      (await outbox.claim(1000, 60)).some(({ id }) => id === waiting),
      'it is not sent any more'
    )
    t.equal((await listed({ userId: other.id })).length, 1)
    t.ok(await addUser(stores, { email: `old-${user.email}` }), 'an address that was kept for the user is free')
  })

  t.test('a mail that only hides that an address has no account is neither listed nor counted', async (t) => {
    const before = await mails.count(1000)
    const nobody = { id: randomUUID(), email: '' }
    const id = await write(nobody, { pretend: true })
    t.strictSame(await listed({ userId: nobody.id }), [])
    t.notOk((await listed({})).some((mail) => mail.id === id))
    t.strictSame(await mails.count(1000), before)

    const user = await addUser(stores)
    await write(user, { pretend: true })
    t.match(await listed({ userId: user.id }), [{ state: 'dropped', attempts: 0 }], 'one above the limit is')
  })
}

const newestFirst = (a: MailRecord, b: MailRecord) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)
