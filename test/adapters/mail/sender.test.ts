import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { type MailSenderParts, openMailSender } from '../../../src/adapters/mail/sender.js'
import { smtpMailer } from '../../../src/adapters/mail/smtp-mailer.js'
import { defaultLayouts } from '../../../src/adapters/mail/templates/layouts.js'
import { mailRenderer } from '../../../src/adapters/mail/templates/render.js'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { opaqueTokens } from '../../../src/adapters/secrets/opaque-tokens.js'
import { rootSecrets } from '../../../src/adapters/secrets/root-secrets.js'
import { sha256, systemEntropy } from '../../../src/adapters/secrets/system.js'
import { readMailUrl } from '../../../src/addresses/mail-url.js'
import { shipped } from '../../../src/languages/shipped.js'
import { MailRefused } from '../../../src/ports/errors.js'
import type { NewMail } from '../../../src/ports/mail.js'
import type { OpaqueTokens } from '../../../src/ports/tokens.js'
import type { AddressedUser } from '../../../src/ports/users.js'
import { addUser, eventsOf, type Stores } from '../../contract/stores.js'
import { onEachDatabase } from '../../support/adapters/stores.js'
import { sql } from '../../support/database.js'
import { type MailServer, openMailServer } from '../../support/mail/mail-server.js'

const hour = 3600

async function tokensUnder(...secrets: readonly string[]): Promise<OpaqueTokens> {
  const configured = secrets.map((secret) => secret.padEnd(32))
  return opaqueTokens(await rootSecrets({ configured, dataDir: '', required: true, entropy: systemEntropy }))
}

/** Queues the mail of a password reset, as the use case does. */
async function queue(stores: Stores, tokens: OpaqueTokens, owner?: AddressedUser) {
  const user = owner ?? (await addUser(stores))
  const linkId = randomUUID()
  const token = tokens.issue('link', { linkId })
  const link = {
    id: linkId,
    purpose: 'password_reset',
    userId: user.id,
    address: user.email,
    tokenHash: sha256(token),
    boundTo: user,
    mailed: true
  } as const
  const mail: NewMail = {
    id: randomUUID(),
    kind: 'password_reset',
    userId: user.id,
    recipient: user.email,
    locale: null,
    parameters: {},
    linkId
  }
  await stores.links.create({ link, mail, event: { type: 'password_reset_requested', userId: user.id } }, {})
  return { user, mail, link, token, messageId: `<${mail.id}@auth.test>` }
}

onEachDatabase(t, (t, stores, database) => {
  async function openSender(t: Test, server: MailServer, changes: Partial<MailSenderParts> = {}) {
    const opaqueTokens = await tokensUnder('one')
    const sender = openMailSender({
      outbox: stores.outbox,
      mailer: smtpMailer(readMailUrl(server.settings.MAIL_URL), server.settings.MAIL_FROM),
      render: mailRenderer(shipped, defaultLayouts),
      opaqueTokens,
      digest: sha256,
      clock: { sleep: async () => undefined },
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
      accountUrl: 'https://auth.test/account',
      domain: 'auth.test',
      ...changes,
      // Only `deliverDue` and `wake` look for mails.
      timing: { pollSeconds: 100_000, closeSeconds: 0.1, ...changes.timing }
    })
    t.teardown(sender.close)
    return { sender, tokens: opaqueTokens }
  }

  t.beforeEach(async () => {
    await sql(database, 'DELETE FROM mail')
    await sql(database, 'DELETE FROM one_time_link')
  })

  t.test('each mail goes out once, with its link and a Message-ID of its own', async (t) => {
    const server = await openMailServer(t)
    const { sender, tokens } = await openSender(t, server)
    const queued = await Promise.all(Array.from({ length: 12 }, () => queue(stores, tokens)))
    await sender.deliverDue()
    await sender.deliverDue()
    const sent = server.received.map(({ to, link, messageId }) => `${to} ${link} ${messageId}`)
    const expected = queued.map(
      ({ user, token, messageId }) => `${user.email} https://auth.test/account#reset=${token} ${messageId}`
    )
    t.same([...sent].sort(), expected.sort())
    t.match(sender.counts(), { sent: 12, failed: 0 })
    t.match(await stores.outbox.backlog(), { pending: 0 })
  })

  t.test('many instances share the mails, and none goes out twice', async (t) => {
    const server = await openMailServer(t)
    const senders = await Promise.all(Array.from({ length: 4 }, () => openSender(t, server)))
    const [{ tokens }] = senders as [(typeof senders)[0]]
    const queued = await Promise.all(Array.from({ length: 30 }, () => queue(stores, tokens)))
    await Promise.all(senders.map(({ sender }) => sender.deliverDue()))
    t.same(server.received.map(({ messageId }) => messageId).sort(), queued.map(({ messageId }) => messageId).sort())
  })

  t.test('a mail server that is away for an hour loses no mail, and the links live from then on', async (t) => {
    const server = await openMailServer(t)
    const { sender, tokens } = await openSender(t, server)
    await server.away()
    const queued = await Promise.all([queue(stores, tokens), queue(stores, tokens)])
    for (let minutes = 0; minutes < 60; minutes += 5) {
      await sender.deliverDue()
      await stores.age(300)
    }
    t.equal(server.received.length, 0)
    await server.back()
    await stores.age(hour)
    await sender.deliverDue()
    t.same(server.received.map(({ messageId }) => messageId).sort(), queued.map(({ messageId }) => messageId).sort())
    t.ok(sender.counts().failed >= 2)
    for (const { link } of queued) t.ok(await stores.links.find(link, ['password_reset']), 'the link is alive')
  })

  t.test('a connection that is lost after the mail makes a second copy with the same Message-ID', async (t) => {
    const server = await openMailServer(t)
    const { sender, tokens } = await openSender(t, server)
    const { messageId } = await queue(stores, tokens)
    server.behaviour = 'keeps and drops'
    await sender.deliverDue()
    server.behaviour = 'drops'
    await stores.age(30)
    await sender.deliverDue()
    server.behaviour = 'accepts'
    await stores.age(60)
    await sender.deliverDue()
    await stores.age(hour)
    await sender.deliverDue()
    t.same(
      server.received.map((mail) => mail.messageId),
      [messageId, messageId]
    )
  })

  t.test('a server that hangs costs its attempt only, and keeps no other mail waiting', async (t) => {
    const server = await openMailServer(t)
    const { sender, tokens } = await openSender(t, server, { timing: { attemptSeconds: 0.3, concurrency: 2 } })
    server.behaviour = 'hangs'
    const [first, second] = [await queue(stores, tokens), await queue(stores, tokens)]
    await sender.deliverDue()
    t.match(sender.counts(), { sent: 0, failed: 2 })
    server.behaviour = 'accepts'
    const third = await queue(stores, tokens)
    await sender.deliverDue()
    t.match(server.received, [{ messageId: third.messageId }])
    await stores.age(60)
    await sender.deliverDue()
    t.same(
      server.received.map(({ messageId }) => messageId).sort(),
      [first, second, third].map(({ messageId }) => messageId).sort()
    )
  })

  t.test('a mail that is refused for good is not sent again, and leaves an event', async (t) => {
    const server = await openMailServer(t)
    const { sender, tokens } = await openSender(t, server)
    const { user } = await queue(stores, tokens)
    server.behaviour = 'refuses'
    await sender.deliverDue()
    t.match(await eventsOf(stores, { userId: user.id, type: 'mail_bounced' }), [{ reason: 'password_reset' }])
    server.behaviour = 'accepts'
    await stores.age(hour)
    await sender.deliverDue()
    t.same(server.received, [])
  })

  t.test('a mail that nobody takes is tried for a day, then given up with an event', async (t) => {
    const server = await openMailServer(t)
    const { sender, tokens } = await openSender(t, server)
    const { user } = await queue(stores, tokens)
    server.behaviour = 'is busy'
    for (let hours = 0; hours < 30; hours += 1) {
      await sender.deliverDue()
      await stores.age(hour)
    }
    t.match(await eventsOf(stores, { userId: user.id, type: 'mail_given_up' }), [{ reason: 'password_reset' }])
    t.match(sender.counts(), { given_up: 1 })
    t.ok(sender.counts().failed >= 20)
  })

  t.test('a mail whose link was used meanwhile is dropped', async (t) => {
    const server = await openMailServer(t)
    const { sender, tokens } = await openSender(t, server)
    const { link } = await queue(stores, tokens)
    const live = await stores.links.find(link, ['password_reset'])
    if (live !== undefined) await stores.users.resetPassword({ link: live, newHash: 'new', mails: [] }, {})
    await sender.deliverDue()
    t.same(server.received, [])
    t.match(sender.counts(), { dropped: 1 })
  })

  t.test('after a change of the root secret, a waiting mail carries the token of its link', async (t) => {
    const server = await openMailServer(t)
    const { token } = await queue(stores, await tokensUnder('older'))
    const { sender } = await openSender(t, server, { opaqueTokens: await tokensUnder('newest', 'older') })
    await sender.deliverDue()
    t.match(server.received, [{ token }])
  })

  t.test('a kind of a newer version waits for an instance that knows it', async (t) => {
    const server = await openMailServer(t)
    const { sender, tokens } = await openSender(t, server)
    const { messageId } = await queue(stores, tokens)
    await sql(database, `UPDATE mail SET kind = 'of_tomorrow'`)
    await sender.deliverDue()
    t.same(server.received, [])
    await sql(database, `UPDATE mail SET kind = 'password_reset'`)
    await stores.age(60)
    await sender.deliverDue()
    t.match(server.received, [{ messageId }])
  })

  t.test('if the note of a sent mail fails, it is repeated, and the mail is not', async (t) => {
    const server = await openMailServer(t)
    let failures = 3
    const outbox = {
      ...stores.outbox,
      finish: async (...args: Parameters<Stores['outbox']['finish']>) => {
        failures -= 1
        if (failures >= 0) throw new Error('the database is away')
        return stores.outbox.finish(...args)
      }
    }
    const { sender, tokens } = await openSender(t, server, { outbox })
    await queue(stores, tokens)
    await sender.deliverDue()
    await stores.age(hour)
    await sender.deliverDue()
    t.equal(server.received.length, 1)
  })

  t.test('no row of the outbox has a token, also after a reply that repeats the mail', async (t) => {
    const server = await openMailServer(t)
    const { sender, tokens } = await openSender(t, server, {
      mailer: async ({ text }) => Promise.reject(new MailRefused(`554 spam: ${text.replaceAll('\n', ' ')}`))
    })
    const { token } = await queue(stores, tokens)
    await sender.deliverDue()
    const rows = JSON.stringify(await everyRow(database))
    t.match(rows, /554 spam/)
    t.notMatch(rows, token)
    t.notMatch(rows, /lk_ot_/)
  })
})

const everyRow = (database: Database) =>
  sql(database, 'SELECT m::text FROM mail m UNION ALL SELECT l::text FROM one_time_link l')
