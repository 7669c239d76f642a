import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Database } from '../../../../src/adapters/prisma/database.js'
import { prismaRevocationLog } from '../../../../src/adapters/prisma/stores/revocation-log.js'
import { prismaSessionStore } from '../../../../src/adapters/prisma/stores/session-store.js'
import { prismaSigningKeyStore } from '../../../../src/adapters/prisma/stores/signing-key-store.js'
import type { LinkPurpose } from '../../../../src/core/mail.js'
import { addUser, attempt, digest, emailOf, login, policy, replacementOf } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

/** Undefined where a value is required. No type allows it, but a mistake can cause it; then nothing may match. */
const missing = undefined as never

/** Methods without a target: they add a row, or concern all rows. */
const withoutTarget = [
  'UserStore.create',
  'UserStore.createExternal',
  'UserStore.createWithLink',
  'UserStore.registerUnconfirmed',
  'SessionStore.endAll',
  'SessionStore.count',
  'EventLog.record',
  'MailLog.count',
  'ClientStore.create',
  'ClientStore.list'
]

onEachDatabase(t, (t, stores, database) => {
  const { users, sessions, events, mails, clients } = stores
  const tried = new Set<string>()

  t.test('a change whose target is undefined changes nothing', async (t) => {
    const admin = await addUser(stores, { roles: ['admin'] })
    const user = await addUser(stores)
    const [session, other] = [await login(stores, user), await login(stores, user)]
    const spare = { ...session, id: randomUUID() }
    const conditions = { passwordHash: user.passwordHash, maxPerUser: 100 }
    const strict = prismaSessionStore(database, { ...policy, graceSeconds: 0 }, 64)
    const replacement = replacementOf(session)
    const proof = { userId: user.id, passwordHash: user.passwordHash }
    const change = { userId: user.id, oldHash: user.passwordHash, newHash: digest('new'), replacement }
    const tokenEnd = { sid: session.id, secretHash: session.secretHash, newestGeneration: 9, actor: {} }
    const step = { kind: 'renew', generation: 1, retryKeyHash: null } as const
    const newSession = {
      id: spare.id,
      userId: user.id,
      mode: 'cookie',
      secretHash: digest('secret'),
      device: null,
      userAgent: null,
      ip: null,
      amr: ['pwd'],
      idleTtlSeconds: 60,
      absoluteTtlSeconds: 60
    } as const

    await expectUnchanged(t, database, tried, {
      'UserStore.upgradePasswordHash id': () => users.upgradePasswordHash(missing, user.passwordHash, 'new'),
      'UserStore.upgradePasswordHash oldHash': () => users.upgradePasswordHash(user.id, missing, 'new'),
      'UserStore.upgradePasswordHash newHash': () => users.upgradePasswordHash(user.id, user.passwordHash, missing),
      'UserStore.changePassword userId': () => users.changePassword({ ...change, userId: missing }, {}),
      'UserStore.changePassword oldHash': () => users.changePassword({ ...change, oldHash: missing }, {}),
      'UserStore.changePassword newHash': () => users.changePassword({ ...change, newHash: missing }, {}),
      'UserStore.changePassword replaces': () =>
        users.changePassword({ ...change, replacement: { ...replacement, replaces: missing } }, {}),
      'UserStore.update id': () =>
        users.update(
          missing,
          { disabled: true, roles: ['admin'], attributes: () => ({ changed: true }), externalId: 'x' },
          {}
        ),
      'UserStore.update nothing': () =>
        users.update(
          user.id,
          { disabled: undefined, roles: undefined, attributes: undefined, externalId: undefined },
          {}
        ),
      'UserStore.changeProfile id': () => users.changeProfile(missing, () => ({ changed: true }), {}),
      'UserStore.extendRegistration key': () => users.extendRegistration({ ...emailOf(user.email), key: missing }),
      'UserStore.delete id': () => users.delete(missing, 'revoked_by_admin', {}),
      'SessionStore.create userId': () => sessions.create({ ...newSession, userId: missing }, conditions, {}),
      'SessionStore.create passwordHash': () =>
        sessions.create(newSession, { ...conditions, passwordHash: missing }, {}),
      'SessionStore.replace replaces': () => sessions.replace({ ...replacement, replaces: missing }, proof, {}),
      'SessionStore.replace userId': () => sessions.replace(replacement, { ...proof, userId: missing }, {}),
      'SessionStore.replace passwordHash': () => sessions.replace(replacement, { ...proof, passwordHash: missing }, {}),
      'SessionStore.rotate sid': () => strict.rotate({ ...attempt(session), sid: missing }),
      'SessionStore.rotate generation': () => strict.rotate({ ...attempt(session), generation: missing }),
      'SessionStore.rotate secretHash': () => strict.rotate({ ...attempt(session), secretHash: missing }),
      'SessionStore.advance id': () => sessions.advance({ ...session, id: missing }, step, {}),
      'SessionStore.advance generation': () => sessions.advance({ ...session, generation: missing }, step, {}),
      'SessionStore.advance to no generation': () => sessions.advance(session, { ...step, generation: missing }, {}),
      'SessionStore.touch sid': () => sessions.touch(missing),
      'SessionStore.endByToken sid': () => sessions.endByToken({ ...tokenEnd, sid: missing }),
      'SessionStore.endByToken secretHash': () => sessions.endByToken({ ...tokenEnd, secretHash: missing }),
      'SessionStore.endByToken newestGeneration': () => sessions.endByToken({ ...tokenEnd, newestGeneration: missing }),
      'SessionStore.end sid': () => sessions.end({ sid: missing }, 'logged_out', {}),
      'SessionStore.end sid with its user': () => sessions.end({ sid: missing, userId: user.id }, 'logged_out', {}),
      'SessionStore.end userId': () => sessions.end({ sid: session.id, userId: missing }, 'logged_out', {}),
      'SessionStore.end secretHash': () => sessions.end({ sid: session.id, secretHash: missing }, 'logged_out', {}),
      'SessionStore.endAllOfUser userId': () => sessions.endAllOfUser(missing, { reason: 'logged_out' }, {}),
      'SessionStore.rename sid': () => sessions.rename(missing, user.id, 'x'),
      'SessionStore.rename userId': () => sessions.rename(session.id, missing, 'x')
    })
    t.equal((await sessions.listOfUser(user.id)).length, 2)
    t.ok(await users.anyWithRole('admin'))
    t.ok(await sessions.find(other.id))
    t.ok(await users.find(admin.id))
  })

  t.test('a use of a link with something undefined changes nothing', async (t) => {
    const user = await addUser(stores)
    await login(stores, user)
    const linkFor = async (purpose: LinkPurpose) => {
      const tokenHash = digest(randomUUID())
      const made = { id: randomUUID(), purpose, userId: user.id, address: user.email, tokenHash, mailed: true }
      await stores.links.create({ link: made, event: { type: 'password_reset_requested' } }, {})
      const link = await stores.links.find(made, [purpose])
      if (link === undefined) throw new Error('the link is dead')
      return { made, link }
    }
    const [{ link: reset }, { link: change }, { made, link: undo }, { link: verification }] = [
      await linkFor('password_reset'),
      await linkFor('email_change'),
      await linkFor('email_undo'),
      await linkFor('email_verification')
    ]
    const withoutUser = { ...user, id: missing }
    const email = emailOf('moved@example.org')
    const moved = { email, follow: () => ({ undo: { ...made, id: randomUUID() }, mails: [] }) }
    const undone = { email, noPasswordHash: 'none', reset: { ...made, id: randomUUID() }, mails: [] }
    const noPassword = { noPasswordHash: 'none', reason: 'revoked_by_admin' } as const

    await expectUnchanged(t, database, tried, {
      'UserStore.resetPassword id': () =>
        users.resetPassword({ link: { ...reset, id: missing }, newHash: 'new', mails: [] }, {}),
      'UserStore.resetPassword tokenHash': () =>
        users.resetPassword({ link: { ...reset, tokenHash: missing }, newHash: 'new', mails: [] }, {}),
      'UserStore.resetPassword user': () =>
        users.resetPassword({ link: { ...reset, user: withoutUser }, newHash: 'new', mails: [] }, {}),
      'UserStore.resetPassword newHash': () => users.resetPassword({ link: reset, newHash: missing, mails: [] }, {}),
      'UserStore.removePassword userId': () => users.removePassword(missing, noPassword, {}),
      'UserStore.removePassword noPasswordHash': () =>
        users.removePassword(user.id, { ...noPassword, noPasswordHash: missing }, {}),
      'UserStore.verifyEmail id': () => users.verifyEmail({ ...verification, id: missing }, {}),
      'UserStore.verifyEmail tokenHash': () => users.verifyEmail({ ...verification, tokenHash: missing }, {}),
      'UserStore.verifyEmail user': () => users.verifyEmail({ ...verification, user: withoutUser }, {}),
      'UserStore.changeEmail id': () => users.changeEmail({ ...moved, link: { ...change, id: missing } }, {}),
      'UserStore.changeEmail user': () => users.changeEmail({ ...moved, link: { ...change, user: withoutUser } }, {}),
      'UserStore.changeEmail email': () =>
        users.changeEmail({ ...moved, link: change, email: { ...email, address: missing } }, {}),
      'UserStore.changeEmail emailKey': () =>
        users.changeEmail({ ...moved, link: change, email: { ...email, key: missing } }, {}),
      'UserStore.undoEmailChange id': () => users.undoEmailChange({ ...undone, link: { ...undo, id: missing } }, {}),
      'UserStore.undoEmailChange user': () =>
        users.undoEmailChange({ ...undone, link: { ...undo, user: withoutUser } }, {}),
      'UserStore.undoEmailChange email': () =>
        users.undoEmailChange({ ...undone, link: undo, email: { ...email, address: missing } }, {}),
      'UserStore.undoEmailChange noPasswordHash': () =>
        users.undoEmailChange({ ...undone, link: undo, noPasswordHash: missing }, {})
    })
  })

  t.test('a change of a client with something undefined changes nothing', async (t) => {
    const secret = { id: randomUUID(), hash: digest('secret'), hint: 'cret' }
    const { id } = await clients.create({ id: `client_${randomUUID()}`, name: 'n', scopes: ['x'], secret }, {})
    await expectUnchanged(t, database, tried, {
      'ClientStore.addSecret clientId': () => clients.addSecret(missing, { ...secret, id: randomUUID() }, {}),
      'ClientStore.addSecret hash': () => clients.addSecret(id, { ...secret, id: randomUUID(), hash: missing }, {}),
      'ClientStore.deleteSecret clientId': () => clients.deleteSecret(missing, secret.id, {}),
      'ClientStore.deleteSecret secretId': () => clients.deleteSecret(id, missing, {}),
      'ClientStore.delete clientId': () => clients.delete(missing, {}),
      'ClientStore.authenticate clientId': () => clients.authenticate(missing, secret.hash),
      'ClientStore.authenticate secretHash': () => clients.authenticate(id, missing)
    })
  })

  t.test('a query with an undefined condition finds nothing', async (t) => {
    const user = await addUser(stores, { roles: ['admin'] })
    const session = await login(stores, user)
    await sessions.end({ sid: session.id }, 'logged_out', {})
    await login(stores, user)
    const queries: Record<string, () => Promise<unknown>> = {
      'UserStore.find': () => users.find(missing),
      'UserStore.findProfile': () => users.findProfile(missing),
      'UserStore.findByEmail': () => users.findByEmail(missing),
      'UserStore.findByExternalId': () => users.findByExternalId(missing),
      'UserStore.findRegistration': () => users.findRegistration({ ...emailOf(user.email), key: missing }),
      'UserStore.anyWithRole': async () => (await users.anyWithRole(missing)) || undefined,
      'SessionStore.find': () => sessions.find(missing),
      'SessionStore.listOfUser': async () => (await sessions.listOfUser(missing))[0],
      'EventLog.endingOf': () => events.endingOf(missing),
      'RevocationLog.after': async () => (await prismaRevocationLog(database).after(missing, [missing]))[0]
    }
    for (const [name, query] of Object.entries(queries)) {
      tried.add(name)
      t.equal(await query().catch(() => undefined), undefined, name)
    }
  })

  t.test('a filter narrows a listing, also beside undefined filters', async (t) => {
    const user = await addUser(stores)
    const session = await login(stores, user, { ip: '192.0.2.77' })
    await login(stores, await addUser(stores))
    const page = { limit: 200, cursor: undefined }
    t.match((await sessions.list({ userId: user.id, ip: undefined }, page)).items, [{ id: session.id }])
    t.match((await sessions.list({ userId: undefined, ip: '192.0.2.77' }, page)).items, [{ id: session.id }])
    t.strictSame((await sessions.list({ userId: randomUUID(), ip: undefined }, page)).items, [])
    for (const name of ['SessionStore.list', 'UserStore.list', 'EventLog.list', 'MailLog.list']) tried.add(name)
    t.strictSame((await mails.list({ userId: randomUUID(), state: undefined }, page)).items, [])
    t.strictSame((await mails.list({ userId: undefined, state: 'given_up' }, page)).items, [])
    t.strictSame((await users.list({ emailPrefix: 'nobody has this' }, page)).items, [])
    t.strictSame((await events.list({ type: undefined, userId: randomUUID(), sessionId: undefined }, page)).items, [])
  })

  t.test('replaceEncryption with an undefined number changes no key', async (t) => {
    const store = prismaSigningKeyStore(database)
    const key = { kid: 'a', alg: 'ES256', publicJwk: { kty: 'oct' }, encryptedPrivateKey: Buffer.from('a') } as const
    await store.add({ ...key, number: 1 })
    await expectUnchanged(t, database, tried, {
      'SigningKeyStore.replaceEncryption': () => store.replaceEncryption(missing, Buffer.from('b'))
    })
  })

  t.test('the tests above cover every method of the stores', async (t) => {
    const methods = Object.entries({
      UserStore: users,
      SessionStore: sessions,
      EventLog: events,
      MailLog: mails,
      ClientStore: clients
    }).flatMap(([store, { ...members }]) => Object.keys(members).map((method) => `${store}.${method}`))
    t.strictSame(
      methods.filter((method) => !tried.has(method)),
      methods.filter((method) => withoutTarget.includes(method))
    )
  })
})

/** Runs each change. It may throw, and must not change any table. */
async function expectUnchanged(
  t: Test,
  database: Database,
  tried: Set<string>,
  changes: Readonly<Record<string, () => Promise<unknown>>>
): Promise<void> {
  const before = await allRows(database)
  for (const [name, change] of Object.entries(changes)) {
    tried.add(name.split(' ', 1)[0] ?? '')
    await change().catch(() => undefined)
    t.strictSame(await allRows(database), before, name)
  }
}

const allRows = (database: Database) =>
  sql(
    database,
    ['"user"', 'session', 'revocation', 'event', 'signing_key', 'one_time_link', 'mail', 'client', 'client_secret']
      .map(
        (table) =>
          `SELECT '${table}' AS name, coalesce(json_agg(r ORDER BY r::text), '[]')::text AS rows FROM ${table} r`
      )
      .join(' UNION ALL ')
  )
