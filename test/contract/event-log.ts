import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { addUser, eventsOf, login, ops, type Stores } from './stores.js'

/** The promises of every `EventLog`. */
export function testEvents(t: Test, stores: Stores): void {
  const { events, sessions } = stores

  t.test('record writes an event with its actor and address', async (t) => {
    const userId = randomUUID()
    await events.record({ type: 'login_failed', userId, reason: 'wrong_password' }, ops)
    const [event] = await eventsOf(stores, { userId })
    const { id, at, ...rest } = event ?? {}
    t.match(id, /^\d+$/)
    t.type(at, 'number')
    t.same(rest, {
      type: 'login_failed',
      count: 1,
      userId,
      sessionId: null,
      clientId: null,
      actorId: ops.userId,
      reason: 'wrong_password',
      note: null,
      ip: ops.ip,
      userAgent: ops.userAgent
    })
    await events.record({ type: 'login_failed' }, {})
    t.match((await eventsOf(stores, { type: 'login_failed' }))[0], {
      userId: null,
      actorId: null,
      reason: null,
      ip: null
    })
  })

  t.test('each filter narrows the list, and several narrow it further', async (t) => {
    const user = await addUser(stores)
    const [first, second] = [await login(stores, user), await login(stores, user)]
    await sessions.end({ sid: first.id }, 'logged_out', {})
    const types = async (filter: Parameters<typeof events.list>[0]) =>
      (await eventsOf(stores, filter)).map(({ type, sessionId }) => [type, sessionId])

    t.same(await types({ userId: user.id }), [
      ['session_ended', first.id],
      ['login_succeeded', second.id],
      ['login_succeeded', first.id],
      ['user_registered', null]
    ])
    t.same(await types({ sessionId: first.id }), [
      ['session_ended', first.id],
      ['login_succeeded', first.id]
    ])
    t.same(await types({ userId: user.id, type: 'user_registered' }), [['user_registered', null]])
    t.same(await types({ userId: randomUUID(), sessionId: first.id }), [])
  })

  t.test('a session that never existed, or is live, has no ended reason', async (t) => {
    t.equal((await events.endingOf(randomUUID()))?.reason, undefined)
    t.equal(await events.endingOf((await login(stores, await addUser(stores))).id), undefined)
  })
}
