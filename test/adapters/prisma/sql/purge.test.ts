import { randomUUID } from 'node:crypto'
import t from 'tap'
import { beforeAnySession } from '../../../../src/adapters/prisma/sql/fragments.js'
import { eventRetentionSeconds, purgeExpired } from '../../../../src/adapters/prisma/sql/purge/purge.js'
import { purgeRegistrations } from '../../../../src/adapters/prisma/sql/purge/purge-registrations.js'
import { registrationLifeSeconds } from '../../../../src/core/mail.js'
import type { NewLink } from '../../../../src/ports/mail.js'
import { addUser, digest, emailOf, eventsOf, login, policy } from '../../../contract/stores.js'
import { onEachDatabase } from '../../../support/adapters/stores.js'
import { sql } from '../../../support/database.js'

const retention = eventRetentionSeconds(policy)

onEachDatabase(t, (t, stores, database) => {
  t.test('events are kept 30 days longer than a session can live', (t) => {
    t.equal(retention, policy.refreshAbsoluteTtlSeconds + 30 * 86_400)
    t.end()
  })

  t.test('a walk in batches removes every expired session with its reason, and keeps the others', async (t) => {
    const user = await addUser(stores)
    const live = [await login(stores, user), await login(stores, user), await login(stores, user)]
    const idle = [await login(stores, user, { idleTtlSeconds: 50 }), await login(stores, user, { idleTtlSeconds: 50 })]
    const absolute = await login(stores, user, { idleTtlSeconds: 50, absoluteTtlSeconds: 50 })
    await stores.age(60)

    const walk = { batches: 0, sessions: 0 }
    let after: string | undefined
    do {
      const purged = await purgeExpired(database, { batch: 2, eventRetentionSeconds: retention, after })
      after = purged.next ?? undefined
      walk.batches += 1
      walk.sessions += purged.sessions
    } while (after !== undefined)

    t.same(walk, { batches: 4, sessions: 3 })
    t.same((await stores.sessions.listOfUser(user.id)).map(({ id }) => id).sort(), live.map(({ id }) => id).sort())
    for (const { id } of idle) {
      t.equal(await stores.sessions.find(id), undefined)
      t.equal((await stores.events.endingOf(id))?.reason, 'idle_timeout')
    }
    t.equal((await stores.events.endingOf(absolute.id))?.reason, 'absolute_timeout')
    t.match(await eventsOf(stores, { sessionId: absolute.id, type: 'session_ended' }), [
      { userId: user.id, actorId: null }
    ])
    t.match(await purgeExpired(database, { batch: 100, eventRetentionSeconds: retention }), { sessions: 0, next: null })
  })

  t.test('expired revocations and old events are removed, one batch per call', async (t) => {
    const user = await addUser(stores)
    for (let i = 0; i < 3; i++) await login(stores, user)
    await stores.sessions.endAllOfUser(user.id, { reason: 'logged_out' }, {})
    const purge = () => purgeExpired(database, { batch: 2, eventRetentionSeconds: retention })
    t.match(await purge(), { revocations: 0, events: 0 })

    await stores.age(policy.accessTokenTtlSeconds + 60)
    t.match(await purge(), { revocations: 2, events: 0 })
    t.match(await purge(), { revocations: 1, events: 0 })

    await stores.age(retention)
    await stores.events.record({ type: 'login_failed', userId: user.id }, {})
    const [{ old } = { old: 0 }] = await sql<{ old: number }>(database, `SELECT count(*)::float8 - 1 AS old FROM event`)
    let events = 0
    for (let batch = 2; batch === 2; events += batch) batch = (await purge()).events
    t.equal(events, old)
    t.same(await eventsOf(stores, { type: 'login_succeeded' }), [])
    t.match(await eventsOf(stores, { type: 'login_failed' }), [{ userId: user.id }])
  })

  t.test('concurrent walks end each session once', async (t) => {
    const user = await addUser(stores)
    const expired = await Promise.all(Array.from({ length: 20 }, () => login(stores, user, { idleTtlSeconds: 5 })))
    await stores.age(10)
    const walks = await Promise.all(
      Array.from({ length: 4 }, () => purgeExpired(database, { batch: 1000, eventRetentionSeconds: retention }))
    )
    t.equal(
      walks.reduce((sum, { sessions }) => sum + sessions, 0),
      expired.length
    )
    t.equal((await eventsOf(stores, { userId: user.id, type: 'session_ended' })).length, expired.length)
  })

  t.test('a registration is deleted after three days, with the account that waits for it and no other', async (t) => {
    const purge = () => purgeExpired(database, { batch: 100, eventRetentionSeconds: retention })
    const register = async () => {
      const user = { id: randomUUID(), email: emailOf(`${randomUUID()}@example.org`), passwordHash: 'x', roles: [] }
      const confirm = () =>
        ({ link: linkTo(user.id, user.email.address), event: { type: 'email_verification_requested' } }) as const
      await stores.users.registerUnconfirmed(user, { earlier: undefined, confirm }, {})
      return user
    }
    const linkTo = (userId: string, address: string): NewLink => ({
      id: randomUUID(),
      purpose: 'email_verification',
      userId,
      address,
      tokenHash: digest(randomUUID()),
      mailed: true
    })
    const [forgotten, extended, used, disabled] = await Promise.all([register(), register(), register(), register()])
    await sql(database, `UPDATE "user" SET awaits_confirmation = false WHERE id = '${used.id}'`)
    await stores.users.update(disabled.id, { disabled: true }, {})
    const users = [forgotten, extended, used, disabled]
    const state = async () =>
      Promise.all(
        users.map(async ({ id, email }) => [
          (await stores.users.find(id)) !== undefined,
          (await stores.users.findRegistration(email)) !== undefined
        ])
      )

    await stores.age(registrationLifeSeconds - 60)
    await stores.users.extendRegistration(extended.email)
    await purge()
    t.same(await state(), [
      [true, true],
      [true, true],
      [true, true],
      [true, true]
    ])
    await stores.age(60)
    await purge()
    t.same(await state(), [
      [false, false],
      [true, true],
      [true, false],
      [true, false]
    ])
    t.match(await eventsOf(stores, { userId: forgotten.id, type: 'user_deleted' }), [{ reason: 'unconfirmed' }])
    await stores.age(registrationLifeSeconds)
    await purge()
    t.same(await state(), [
      [false, false],
      [false, false],
      [true, false],
      [true, false]
    ])

    // An instance of an older version makes no registrations.
    await stores.users.update(disabled.id, { disabled: false }, {})
    const old = await register()
    await sql(database, `DELETE FROM registration WHERE email_key = '${old.email.key}'`)
    await purgeRegistrations(database, 10_000, beforeAnySession)
    for (const { email } of [old, disabled]) t.equal(await stores.users.findRegistration(email), 'x')
    t.equal(await stores.users.findRegistration(used.email), undefined)
    await stores.age(registrationLifeSeconds)
    await purge()
    for (const { id } of [old, disabled]) t.equal(await stores.users.find(id), undefined)
  })

  t.test('wrong passwords leave the event log after a week, other events do not', async (t) => {
    const purge = () => purgeExpired(database, { batch: 2, eventRetentionSeconds: retention })
    await sql(database, 'DELETE FROM event')
    const types = [
      ...(['login_failed', 'password_refused', 'email_verification_requested', 'password_reset_requested'] as const),
      'password_changed' as const
    ]
    for (const type of types) await stores.events.record({ type }, {})
    await stores.age(7 * 86_400 - 60)
    t.match(await purge(), { failures: 0 })
    await stores.age(60)
    await stores.events.record({ type: 'login_failed' }, {})
    t.match(await purge(), { failures: 2 })
    t.match(await purge(), { failures: 2 })
    t.match(await purge(), { failures: 0 })
    const left = await sql<{ type: string }>(database, 'SELECT type FROM event ORDER BY id')
    t.same(
      left.map(({ type }) => type),
      ['password_changed', 'login_failed']
    )
  })
})
