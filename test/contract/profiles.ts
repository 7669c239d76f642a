import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { Profile } from '../../src/core/profile.js'
import { addUser, eventsOf, login, type Stores, tryLogin } from './stores.js'

/** The promises of the methods of a `UserStore` for profiles. */
export function testProfiles(t: Test, stores: Stores): void {
  const { users, outbox } = stores

  t.test('a profile begins empty, keeps any JSON, and shows the language of the account', async (t) => {
    const user = await addUser(stores)
    t.strictSame(await users.findProfile(user.id), {})
    const odd = JSON.parse('{"__proto__":{"a":1},"":[null,1.5,"😀\\u0001\\"",{"b":{}}],"locale":"de-AT"}')
    t.equal(JSON.stringify(await users.changeProfile(user.id, () => odd, {})), JSON.stringify(odd))
    const found = await users.findProfile(user.id)
    t.same(Object.entries(found ?? {}).sort(), Object.entries(odd).sort())
    t.equal(Object.getPrototypeOf(found), Object.prototype)
    t.match(await users.find(user.id), { locale: 'de-AT' })

    await users.changeProfile(user.id, () => ({ theme: 'dark' }), {})
    t.strictSame(await users.findProfile(user.id), { theme: 'dark' })
    t.match(await users.find(user.id), { locale: null })
    t.strictSame(await users.findProfile((await addUser(stores, { locale: 'de' })).id), { locale: 'de' })
    t.equal(await users.findProfile(randomUUID()), undefined)
    t.equal(await users.changeProfile(randomUUID(), (profile) => profile, {}), undefined)
  })

  t.test('no simultaneous change of a profile is lost', async (t) => {
    const user = await addUser(stores)
    const names = Array.from({ length: 12 }, (_, i) => `member-${i}`)
    const add = (name: string) => users.changeProfile(user.id, (profile: Profile) => ({ ...profile, [name]: true }), {})
    await Promise.all(names.map(add))
    t.strictSame(Object.keys((await users.findProfile(user.id)) ?? {}).sort(), names.sort())
  })

  t.test('a change that throws changes nothing, and its error passes through', async (t) => {
    const user = await addUser(stores, { locale: 'de' })
    const refusal = new Error('refused')
    const refuse = () => {
      throw refusal
    }
    const refused = users.changeProfile(user.id, refuse, {})
    t.equal(await refused.catch((error) => error), refusal)
    t.strictSame(await users.findProfile(user.id), { locale: 'de' })
  })

  t.test('a person who has turned off the notices of new devices gets the others', async (t) => {
    const user = await addUser(stores)
    const session = await login(stores, user)
    const noticesOf = async () =>
      (await outbox.claim(1000, 60)).filter(({ userId }) => userId === user.id).map(({ kind }) => kind)
    for (const [wanted, kinds] of [
      [false, []],
      [true, ['new_device']]
    ] as const) {
      await users.changeProfile(user.id, () => ({ notices: { new_device: wanted } }), {})
      await tryLogin(stores, user, { isNewDevice: true })
      t.strictSame(await noticesOf(), kinds)
    }
    await users.changeProfile(user.id, () => ({ notices: { new_device: false, theft_detected: false } }), {})
    await stores.sessions.end({ sid: session.id }, 'reuse_detected', {})
    t.strictSame(await noticesOf(), ['theft_detected'])
  })

  t.test('an event says who turned the notices of new devices off, once', async (t) => {
    const user = await addUser(stores)
    const actor = { userId: user.id, ip: '192.0.2.7', userAgent: 'thief' }
    const eventsOfChange = async (profile: Profile) => {
      await users.changeProfile(user.id, () => profile, actor)
      return (await eventsOf(stores, { userId: user.id, type: 'notice_turned_off' })).length
    }
    t.equal(await eventsOfChange({ theme: 'dark', notices: { new_device: true } }), 0)
    t.equal(await eventsOfChange({ notices: { new_device: false } }), 1)
    t.equal(await eventsOfChange({ notices: { new_device: false }, theme: 'light' }), 1, 'they are off already')
    t.equal(await eventsOfChange({}), 1, 'turned on again')
    t.equal(await eventsOfChange({ notices: { new_device: false } }), 2)
    const [event] = await eventsOf(stores, { userId: user.id, type: 'notice_turned_off' })
    t.match(event, { reason: 'new_device', actorId: user.id, ip: actor.ip, userAgent: 'thief', at: Number })
  })
}
