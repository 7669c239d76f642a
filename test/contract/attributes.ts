import type { Test } from 'tap'
import { addUser, eventsOf, login, ops, type Stores } from './stores.js'

/** The promises of `UserStore.update` about attributes. */
export function testAttributes(t: Test, stores: Stores): void {
  const { users, sessions } = stores

  t.test('attributes begin empty, and keep any JSON', async (t) => {
    const user = await addUser(stores)
    t.strictSame(user.attributes, {})
    const odd = { '': [null, 1.5, '😀\u0001"', { b: {} }], plan: 'pro' }
    const updated = await users.update(user.id, { attributes: () => odd }, ops)
    t.match(updated, { user: { id: user.id, attributes: odd } })
    t.strictSame((await users.find(user.id))?.attributes, odd)
    const { items } = await users.list({ emailPrefix: user.email }, { limit: 1 })
    t.strictSame(items[0]?.attributes, odd)
  })

  t.test('no simultaneous change of attributes is lost', async (t) => {
    const user = await addUser(stores)
    const names = Array.from({ length: 12 }, (_, i) => `member-${i}`)
    const add = (name: string) => users.update(user.id, { attributes: (before) => ({ ...before, [name]: true }) }, ops)
    await Promise.all(names.map(add))
    t.strictSame(Object.keys((await users.find(user.id))?.attributes ?? {}).sort(), names.sort())
  })

  t.test('a change of attributes that throws leaves roles and sessions as they were', async (t) => {
    const user = await addUser(stores, { roles: ['editor'] })
    const session = await login(stores, user)
    const refusal = new Error('refused')
    const attributes = () => {
      throw refusal
    }
    const refused = users.update(user.id, { roles: [], disabled: true, attributes }, ops)
    t.equal(await refused.catch((error) => error), refusal)
    t.match(await users.find(user.id), { roles: ['editor'], disabled: false, attributes: {} })
    t.ok(await sessions.find(session.id))
  })

  t.test(
    'an event names the changed attributes and not their values, and a change of nothing writes none',
    async (t) => {
      const user = await addUser(stores)
      const change = (attributes: Parameters<typeof users.update>[1]['attributes']) =>
        users.update(user.id, { attributes }, ops)
      await change(() => ({ plan: 'secret-plan', seats: 3, kept: [1] }))
      await change(({ plan: _, ...rest }) => ({ ...rest, seats: 4 }))
      await change((before) => ({ ...before }))
      const events = await eventsOf(stores, { userId: user.id, type: 'attributes_changed' })
      t.strictSame(
        events.map(({ note }) => note?.split(', ').sort().join()),
        ['plan,seats', 'kept,plan,seats']
      )
      t.match(events[0], { actorId: ops.userId, ip: ops.ip, userAgent: ops.userAgent, reason: null, sessionId: null })
    }
  )

  t.test('long names are cut short in the event', async (t) => {
    const user = await addUser(stores)
    await users.update(user.id, { attributes: () => ({ ['n'.repeat(5000)]: 1 }) }, ops)
    const [event] = await eventsOf(stores, { userId: user.id, type: 'attributes_changed' })
    t.equal(event?.note, 'n'.repeat(500))
  })

  t.test('an attribute of TOKEN_ATTRIBUTES makes older access tokens stale, and no other does', async (t) => {
    const user = await addUser(stores)
    const session = await login(stores, user)
    const revocationsOf = async (attributes: { plan?: string; other?: number }) => {
      const updated = await users.update(user.id, { attributes: () => attributes }, ops)
      return typeof updated === 'object' ? updated.revocations.map(({ sid, reason }) => ({ sid, reason })) : updated
    }
    const stale = [{ sid: session.id, reason: 'roles_changed' }]
    t.strictSame(await revocationsOf({ other: 1 }), [])
    t.strictSame(await revocationsOf({ other: 1, plan: 'pro' }), stale)
    t.strictSame(await revocationsOf({ other: 2, plan: 'pro' }), [])
    t.strictSame(await revocationsOf({ other: 2 }), stale, 'it was removed')
    t.ok(await sessions.find(session.id), 'the session lives')
  })

  t.test('a session is read with the attributes only if they decide about claims', async (t) => {
    const user = await addUser(stores)
    await users.update(user.id, { attributes: () => ({ plan: 'pro', other: 1 }) }, ops)
    const session = await login(stores, user)
    const attributes = { plan: 'pro', other: 1 }
    t.strictSame(session.user.attributes, attributes, 'of a login')
    t.strictSame((await sessions.find(session.id))?.user.attributes, attributes, 'of a read')
    const attempt = { sid: session.id, generation: 0, secretHash: session.secretHash, retryKeyHash: null }
    t.strictSame((await sessions.rotate(attempt))?.user.attributes, attributes, 'of a refresh')
    const none = stores.sessionsUnder({ claimAttributes: [] })
    t.strictSame((await none.find(session.id))?.user.attributes, {})
    t.strictSame((await stores.sessionsUnder({ claimAttributes: 'any' }).find(session.id))?.user.attributes, attributes)
  })
}
