import t from 'tap'
import { purgeExpired } from '../../../../src/adapters/prisma/sql/purge/purge.js'
import { prismaHookLog } from '../../../../src/adapters/prisma/stores/hook-log.js'
import { prismaUserStore } from '../../../../src/adapters/prisma/stores/user-store.js'
import type { HookKind } from '../../../../src/core/hooks.js'
import { endedReasons } from '../../../../src/core/vocabulary.js'
import { commandLine, hostApp } from '../../../../src/ports/events.js'
import { emailOf, policy } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { age, openTestDatabase, sql } from '../../../support/database.js'
import { openAdminService, userIdOf } from '../../../support/http/admin.js'
import { anotherDevice, copyOf, newPerson } from '../../../support/http/people.js'
import { type Client, goodPassword } from '../../../support/service.js'

t.test('of sessions that end in any way, hooks get each end once, with its reason', async (t) => {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const settings = { MAX_SESSIONS_PER_USER: '3', REFRESH_GRACE_SECONDS: '0' }
  const { app, admin } = await openAdminService(t, database, settings)
  const log = prismaHookLog(database)
  const begun: string[] = [admin.sessionId]
  const person = async () => {
    const device = await newPerson(app, 'body')
    begun.push(device.client.sessionId)
    return { ...device, id: await userIdOf(device.client) }
  }
  const more = async (owner: { readonly email: string }) => {
    const { client } = await anotherDevice(app, owner, 'body')
    begun.push(client.sessionId)
    return client
  }
  const ok = async (answer: ReturnType<Client['send']>) => {
    const { statusCode, body } = await answer
    if (statusCode >= 300) throw new Error(body)
  }
  const purge = () => purgeExpired(database, { batch: 1000, eventRetentionSeconds: 1e7 })

  const one = await person()
  await ok(one.client.send('POST', '/logout', { payload: { refresh_token: one.client.refreshToken } }))
  const two = await person()
  const other = await more(two)
  await ok(two.client.send('DELETE', `/sessions/${other.sessionId}`))
  await ok(admin.send('DELETE', `/admin/sessions/${two.client.sessionId}`, { payload: {} }))
  const old = await more(two)
  const thief = copyOf(old)
  await ok(old.send('POST', '/refresh', { payload: { refresh_token: old.refreshToken } }))
  await age(database, old.sessionId, 60)
  t.equal(
    (await thief.send('POST', '/refresh', { payload: { refresh_token: thief.refreshToken } })).json().reason,
    'reuse_detected'
  )

  const three = await person()
  await more(three)
  const passwords = { current_password: goodPassword, new_password: `${goodPassword} of today` }
  await ok(three.client.send('POST', '/password', { payload: passwords }))
  begun.push(three.client.sessionId)
  const reset = await admin.send('POST', `/admin/users/${three.id}/password-reset`, { payload: { deliver: 'link' } })
  const [, token] = /#reset=(.+)$/.exec(reset.json().link) ?? []
  const choice = { token, new_password: `${goodPassword} of tomorrow` }
  await ok(three.client.send('POST', '/password/reset', { bearer: false, payload: choice }))

  const four = await person()
  for (let devices = 0; devices < 3; devices += 1) await more(four)
  await ok(admin.send('PATCH', `/admin/users/${four.id}`, { payload: { disabled: true } }))
  const five = await person()
  await more(five)
  await ok(five.client.send('DELETE', '/me', { payload: { password: goodPassword } }))
  const six = await person()
  await ok(admin.send('DELETE', `/admin/users/${six.id}`, { payload: {} }))

  // A browser that signs in again replaces a session that has ended, or ends as it is replaced, for another reason.
  const nine = await newPerson(app)
  begun.push(nine.client.sessionId)
  const stale = copyOf(nine.client)
  await ok(nine.client.send('POST', '/refresh'))
  await age(database, nine.client.sessionId, 60)
  await ok(stale.signIn(nine.email, { path: '/login' }))
  begun.push(stale.sessionId)
  await ok(admin.send('DELETE', `/admin/sessions/${stale.sessionId}`, { payload: {} }))
  await ok(stale.signIn(nine.email, { path: '/login' }))
  begun.push(stale.sessionId)
  const replaced = await sql(database, `SELECT 1 FROM event WHERE type = 'session_ended' AND reason = 'replaced'`)
  t.equal(replaced.length, 3, 'as many events as there are: two of them are no end')

  const seven = await person()
  await age(database, seven.client.sessionId, 1_300_000)
  const eight = await person()
  await age(database, eight.client.sessionId, 8_000_000)
  await purge()

  const live = (await sql<{ id: string }>(database, 'SELECT id FROM session')).map(({ id }) => id)
  const rows = await log.read('onSessionEnded', { above: 0n, ids: [], limit: 10_000 })
  const ended = rows.flatMap(({ event }) => event ?? [])
  t.strictSame(ended.map(({ sid }) => sid).sort(), begun.filter((sid) => !live.includes(sid)).sort())
  t.ok(ended.length > 12)
  t.strictSame(
    endedReasons.filter((reason) => !ended.some((event) => event.reason === reason)),
    []
  )

  await ok(admin.send('POST', '/admin/sessions/revoke-all', { payload: { confirm: 'revoke-all' } }))
  await purge()
  const later = await log.read('onSessionEnded', { above: rows.at(-1)?.id ?? 0n, ids: [], limit: 10_000 })
  t.match(
    later.flatMap(({ event }) => event ?? []),
    [{ userId: null, sid: null, reason: 'revoked_by_admin', by: 'request' }],
    'the end of everybody is one event'
  )
  t.strictSame(await sql(database, 'SELECT id FROM session'), [], 'no more events, although the rows have gone')
})

onEachDatabase(t, (t, stores, database) => {
  const log = prismaHookLog(database)
  const newestId = async () =>
    (await sql<{ id: bigint | null }>(database, 'SELECT max(id) AS id FROM event'))[0]?.id ?? 0n
  const eventsSince = async (kind: HookKind, above: bigint) =>
    (await log.read(kind, { above, ids: [], limit: 1000 })).flatMap(({ event }) => event ?? [])

  t.test('a hook learns who caused an event', async (t) => {
    const users = prismaUserStore(database, policy)
    const above = await newestId()
    const actors = [
      [{ ip: '192.0.2.1', userAgent: hostApp.userAgent }, 'request'],
      [hostApp, 'host'],
      [commandLine, 'command_line'],
      [{}, 'latchkey']
    ] as const
    for (const [index, [actor]] of actors.entries()) {
      const user = {
        id: crypto.randomUUID(),
        email: emailOf(`cause-${index}@example.org`),
        passwordHash: 'x',
        roles: []
      }
      await users.create(user, actor)
      await users.delete(user.id, 'revoked_by_admin', { ...actor, userId: user.id })
    }
    for (const kind of ['onUserCreated', 'onUserDeleted'] as const)
      t.strictSame(
        (await eventsSince(kind, above)).map(({ by }) => by),
        actors.map(([, by]) => by)
      )
    const [deleted] = await eventsSince('onUserDeleted', above)
    t.match(deleted, { userId: /-/, actorId: deleted?.userId, reason: 'revoked_by_admin', id: /^\d+-\d+$/ })
    t.strictSame(await eventsSince('onSessionEnded', above), [])
  })

  t.test('a hook gets the external id of an account, also once the account is deleted', async (t) => {
    const users = prismaUserStore(database, policy)
    const above = await newestId()
    const user = { id: crypto.randomUUID(), externalId: 'cn=ada', passwordHash: 'x', roles: [] }
    await users.createExternal(user, { ip: '192.0.2.1' })
    t.match(await eventsSince('onUserCreated', above), [{ userId: user.id, externalId: 'cn=ada', by: 'host' }])
    await users.delete(user.id, 'revoked_by_admin', {})
    t.match(await eventsSince('onUserDeleted', above), [{ userId: user.id, externalId: 'cn=ada' }])
    t.match(await eventsSince('onUserCreated', above), [{ userId: user.id, externalId: 'cn=ada' }])
    const [deletion] = (await stores.events.list({ userId: user.id, type: 'user_deleted' }, { limit: 1 })).items
    t.equal(deletion?.note, 'cn=ada')
  })

  t.test('a new hook begins at the newest event, and begins only once', async (t) => {
    t.equal(await log.cursor('onUserCreated'), undefined)
    await log.begin('onUserCreated')
    const before = await log.cursor('onUserCreated')
    t.equal(before?.position, await newestId())
    await stores.events.record({ type: 'login_failed' }, {})
    await log.begin('onUserCreated')
    t.strictSame(await log.cursor('onUserCreated'), before)
  })

  t.test('a cursor moves only from where it was', async (t) => {
    await log.begin('onUserDeleted')
    const at = (await log.cursor('onUserDeleted'))?.position ?? -1n
    const cursor = { position: at + 5n, caughtUpAt: 1_700_000_000_123 }
    t.equal(await log.save('onUserDeleted', at, cursor), true)
    t.strictSame(await log.cursor('onUserDeleted'), cursor)
    t.equal(await log.save('onUserDeleted', at, { ...cursor, position: at + 9n }), false)
    t.strictSame(await log.cursor('onUserDeleted'), cursor)
    t.equal(await log.save('other', at, cursor), false)
  })

  t.test('rows are read in order: those that are asked for, and a page above', async (t) => {
    for (let count = 0; count < 6; count += 1) await stores.events.record({ type: 'login_failed' }, {})
    const last = await newestId()
    const rows = await log.read('onUserCreated', { above: last - 3n, ids: [last - 5n, last + 100n], limit: 2 })
    t.strictSame(
      rows.map(({ id, event }) => [id, event]),
      [
        [last - 5n, null],
        [last - 2n, null],
        [last - 1n, null]
      ]
    )
  })
})
