import { randomUUID } from 'node:crypto'
import t from 'tap'
import latchkey, { type User } from '../../src/index.js'
import { testDataFolder } from '../support/database.js'
import { newHost, signedIn, testOptions } from '../support/host.js'
import { newEmail } from '../support/http/people.js'
import { Client, goodPassword } from '../support/service.js'

const app = newHost(t)
await app.register(latchkey, {
  ...testOptions,
  dataDir: await testDataFolder(t),
  rateLimitEnabled: false,
  prefix: '/auth'
})
app.post<{ Body: { externalId?: string } | undefined }>('/enter', async ({ body }, reply) =>
  app.latchkey.startSession(reply, { externalId: body?.externalId ?? 'cn=ada', amr: ['pwd'], mode: 'body' })
)
await app.ready()
const { users } = app.latchkey

const person = async () => {
  const client = await signedIn(app)
  const { id, email } = (await client.send('GET', '/auth/me')).json()
  return { client, id: String(id), email: String(email) }
}
const unknownId = randomUUID()
const notFound = { name: 'Refused', code: 'not_found', statusCode: 404 }
const invalid = { name: 'Refused', code: 'invalid_request', statusCode: 400 }

t.test('a host finds an account by its id, its external id and its address in any spelling', async (t) => {
  const { id, email } = await person()
  const found = await users.find({ id })
  t.match(found, { id, email, externalId: null, roles: [], disabled: false, createdAt: Number })
  t.strictSame(await users.find({ email: email.toUpperCase() }), found)
  t.notOk('passwordHash' in Object(found) || 'awaitsConfirmation' in Object(found), 'no secret')

  await app.inject({ method: 'POST', url: '/enter' })
  t.match(await users.find({ externalId: 'cn=ada' }), { externalId: 'cn=ada', email: null })
})

t.test('what belongs to nobody is null, whatever the text', async (t) => {
  for (const key of [
    { id: unknownId },
    { id: 'x' },
    { externalId: 'cn=nobody' },
    { externalId: '\0' },
    { email: 'x' }
  ]) {
    t.equal(await users.find(key), null, JSON.stringify(key))
  }
  for (const key of [{}, { id: 7 }, { id: unknownId, email: 'a@example.org' }, { name: 'ada' }, null, 'ada'])
    await t.rejects(users.find(key as never), invalid, JSON.stringify(key))
})

t.test('a host lists accounts page by page, also by the beginning of an address', async (t) => {
  const made: User[] = []
  for (const name of ['list-a', 'list-b', 'list-c'])
    made.unshift((await users.create({ email: `${name}@example.net` })).user)
  const first = await users.list({ email: 'list-', limit: 2 })
  t.strictSame(first.items, made.slice(0, 2))
  const second = await users.list({ email: 'list-', limit: 2, cursor: first.nextCursor ?? undefined })
  t.strictSame(second, { items: made.slice(2), nextCursor: null })
  t.ok((await users.list()).items.length > 3)
  for (const filter of [{ limit: 0 }, { limit: 201 }, { cursor: 'x' }, { emial: 'a' }, { email: '\0' }])
    await t.rejects(users.list(filter as never), invalid, JSON.stringify(filter))
})

t.test('a host creates an account, and hands its invitation over', async (t) => {
  const email = newEmail()
  const { user, link } = await users.create({ email, roles: ['editor'], locale: 'de', invite: 'link' })
  t.match(user, { email, roles: ['editor'], locale: 'de', emailVerifiedAt: Number })
  t.match(link, /\/account#invitation=lk_ot_/)
  t.strictSame(await users.find({ id: user.id }), user)
  t.notOk('link' in (await users.create({ email: newEmail() })))
  await t.rejects(users.create({ email }), { code: 'email_taken', statusCode: 409 })
  await t.rejects(users.create({ email: newEmail(), invite: 'mail' }), { code: 'mail_not_configured' })
  const wrong = [
    {},
    { email: 'x' },
    { email: 7 },
    { email: newEmail(), roles: ['No Role'] },
    { email: newEmail(), role: 'a' }
  ]
  for (const account of wrong) await t.rejects(users.create(account as never), invalid, JSON.stringify(account))
})

t.test('a host changes roles, which apply at once, and the event log names the host', async (t) => {
  const { client, id } = await person()
  t.match(await users.update(id, { roles: ['reader'] }), { id, roles: ['reader'] })
  t.equal((await client.send('GET', '/auth/me')).json().code, 'token_expired')
  await client.send('POST', '/auth/refresh')
  t.strictSame((await client.send('GET', '/auth/me')).json().roles, ['reader'])
  t.match(await users.update(id, {}), { roles: ['reader'] }, 'what is left out stays')
  for (const change of [{ roles: 'reader' }, { disabled: 'yes' }, { role: 'reader' }, null])
    await t.rejects(users.update(id, change as never), invalid, JSON.stringify(change))

  const admin = await person()
  await users.update(admin.id, { roles: ['admin'] })
  await admin.client.send('POST', '/auth/refresh')
  const { events } = (await admin.client.send('GET', `/auth/admin/events?user_id=${id}&type=roles_changed`)).json()
  t.match(events, [{ actor_id: null, ip: null, user_agent: 'latchkey host' }])
})

t.test('a host changes attributes by a merge patch, and the rest stays', async (t) => {
  const { id } = await person()
  await users.update(id, { roles: ['reader'], attributes: { plan: 'free', seats: { paid: 1, used: 2 } } })
  const updated = await users.update(id, { attributes: { plan: null, seats: { paid: 3 } } })
  t.match(updated, { id, roles: ['reader'] })
  t.strictSame(updated.attributes, { seats: { paid: 3, used: 2 } })
  t.strictSame((await users.find({ id }))?.attributes, updated.attributes)
  for (const attributes of [7, null, ['plan'], { text: 'x'.repeat(9000) }, { text: '\0' }])
    await t.rejects(users.update(id, { attributes } as never), invalid, JSON.stringify(attributes).slice(0, 40))
  t.strictSame((await users.find({ id }))?.attributes, updated.attributes)
})

t.test('attributes that JSON would lose are refused with their name, and nothing is stored', async (t) => {
  const { id } = await person()
  const { attributes: before } = await users.update(id, { attributes: { plan: 'free', seats: 1 } })
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  for (const [value, fault] of [
    [new Map([[1, 2]]), '"since" is a Map'],
    [new Set([1]), '"since" is a Set'],
    [() => 1, /"since" is \(\) => 1/],
    [Symbol('s'), '"since" is Symbol(s)'],
    [1n, /BigInt/],
    [[undefined], '"0" of a list is undefined'],
    [Number.NaN, '"since" is NaN'],
    [new Date(Number.NaN), '"since" is an invalid Date'],
    [cycle, /circular/i]
  ] as const) {
    const attributes = { plan: 'pro', since: value }
    const refusal = await users.update(id, { roles: ['editor'], attributes } as never).catch((error) => error)
    t.match(refusal, {
      ...invalid,
      details: { errors: [{ field: 'attributes', message: /^cannot be written as JSON: / }] }
    })
    t.match(refusal.details.errors[0].message, fault)
  }
  for (const attributes of [new Map([['plan', 'pro']]), new Date(0), () => 1])
    await t.rejects(users.update(id, { attributes } as never), invalid)
  t.match(await users.find({ id }), { roles: [], attributes: before })
})

t.test('an attribute that is undefined is left out, and a Date is stored as its text', async (t) => {
  const { id } = await person()
  const attributes = { plan: 'free', seats: { paid: undefined, since: new Date(0) }, none: undefined }
  await users.update(id, { attributes: { none: 1 } })
  await users.update(id, { attributes } as never)
  const stored = { none: 1, plan: 'free', seats: { since: '1970-01-01T00:00:00.000Z' } }
  t.strictSame((await users.find({ id }))?.attributes, stored)
})

t.test('a host links an external id to an account, and signs its person in by it', async (t) => {
  const { id } = await person()
  t.match(await users.update(id, { externalId: 'cn=grace' }), { id, externalId: 'cn=grace' })
  t.equal((await users.find({ externalId: 'cn=grace' }))?.id, id)
  const entered = await app.inject({ method: 'POST', url: '/enter', payload: { externalId: 'cn=grace' } })
  const client = new Client(app)
  client.accessToken = entered.json().access_token
  t.match((await client.send('GET', '/auth/me')).json(), { id, external: true })

  const other = await person()
  const taken = { name: 'Refused', code: 'external_id_taken', statusCode: 409 }
  await t.rejects(users.update(other.id, { externalId: 'cn=grace' }), taken)
  for (const externalId of ['', '\0', 'x'.repeat(256), 'x'.repeat(10_000), 7, {}, new String('x'), new Date(0)])
    await t.rejects(users.update(other.id, { externalId } as never), invalid, String(externalId).slice(0, 40))
  t.match(await users.update(id, { externalId: null }), { externalId: null })
  t.match(await users.update(other.id, { externalId: 'cn=grace' }), { externalId: 'cn=grace' }, 'it is free again')
})

t.test('a disabled account has no session, and can sign in again once it is enabled', async (t) => {
  const { client, id, email } = await person()
  t.match(await users.disable(id), { disabled: true })
  t.equal((await client.send('GET', '/auth/me')).json().code, 'session_revoked')
  const payload = { email, password: goodPassword }
  const login = () => app.inject({ method: 'POST', url: '/auth/login', payload })
  t.equal((await login()).json().code, 'invalid_credentials')
  t.match(await users.enable(id), { disabled: false })
  t.equal((await login()).statusCode, 200)
})

t.test('a deleted account is gone with its sessions, also while they are refreshed', async (t) => {
  const { client, id } = await person()
  const refreshes = Array.from({ length: 10 }, () => client.send('POST', '/auth/refresh'))
  const [, ...answers] = await Promise.all([users.delete(id), ...refreshes])
  for (const { statusCode } of answers) t.ok([200, 401, 503].includes(statusCode), String(statusCode))
  t.equal((await client.send('GET', '/auth/me')).statusCode, 401)
  t.equal((await client.send('POST', '/auth/refresh')).statusCode, 401)
  t.equal(await users.find({ id }), null)
  await t.rejects(users.delete(id), notFound)
})

t.test('the last admin cannot be disabled, deleted or lose the role, also in a race', async (t) => {
  for (const { id } of (await users.list({ limit: 200 })).items)
    await users.update(id, { roles: [] }).catch(() => undefined)
  const left = (await users.list({ limit: 200 })).items.filter(({ roles }) => roles.includes('admin'))
  const [one] = left.length > 0 ? left : [await users.update((await person()).id, { roles: ['admin'] })]
  const id = one?.id ?? ''
  const attempts = [() => users.disable(id), () => users.delete(id), () => users.update(id, { roles: [] })]
  for (const attempt of attempts)
    await t.rejects(async () => void (await attempt()), { name: 'Refused', code: 'last_admin', statusCode: 409 })
  const two = await users.update((await person()).id, { roles: ['admin'] })
  const results = await Promise.allSettled([users.delete(id), users.delete(two.id)])
  t.strictSame(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

t.test('an id that nobody has is not_found, whatever its form', async (t) => {
  for (const id of [unknownId, 'x', '', "' OR 1=1", '\0', 7 as never, undefined as never]) {
    await t.rejects(users.update(id, { disabled: true }), notFound, String(id))
    await t.rejects(users.disable(id), notFound)
    await t.rejects(users.enable(id), notFound)
    await t.rejects(users.delete(id), notFound)
  }
})
