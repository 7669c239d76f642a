import t from 'tap'
import { maxDocumentBytes } from '../../../src/core/json-document.js'
import { openTestDatabase } from '../../support/database.js'
import { openAdminService, userIdOf } from '../../support/http/admin.js'
import { expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { newPerson } from '../../support/http/people.js'
import type { Client } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const { app, admin } = await openAdminService(t, database, { TOKEN_ATTRIBUTES: 'plan,tenant' })

const payloadOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

/** Sends a body as this exact text. */
const patchText = (id: string, payload: string) =>
  admin.send('PATCH', `/admin/users/${id}`, { payload, headers: { 'content-type': 'application/json' } })
const patch = (id: string, attributes: object) => patchText(id, JSON.stringify({ attributes }))
const refresh = (client: Client) => client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })

t.test('an admin changes attributes by merge patches, and every admin route shows them', async (t) => {
  const { client, email } = await newPerson(app)
  const id = await userIdOf(client)
  const changed = await patch(id, { plan: 'pro', address: { city: 'Berlin', zip: '1' }, tags: ['a', null] })
  t.equal(changed.statusCode, 200)
  t.match(changed.json(), { id, attributes: { plan: 'pro', address: { city: 'Berlin', zip: '1' }, tags: ['a', null] } })
  const attributes = { address: { city: 'Berlin' }, tags: 'none' }
  const second = await patch(id, { plan: null, address: { zip: null }, tags: 'none' })
  t.strictSame(second.json().attributes, attributes)
  t.strictSame((await admin.send('GET', `/admin/users/${id}`)).json().attributes, attributes)
  const [listed] = (await admin.send('GET', `/admin/users?email=${email}`)).json().users
  t.strictSame(listed.attributes, attributes)
  t.strictSame((await patchText(id, '{"roles":["editor"]}')).json().attributes, attributes, 'no patch changes nothing')
})

t.test('a person sees the attributes that are in tokens, and can change none', async (t) => {
  const { client } = await newPerson(app, 'body')
  const id = await userIdOf(client)
  await patch(id, { plan: 'pro', note: 'late payer' })
  await refresh(client)
  t.strictSame((await client.send('GET', '/me')).json().attributes, { plan: 'pro' })
  expectProblem(
    t,
    await client.send('PATCH', `/admin/users/${id}`, { payload: { attributes: {} } }),
    'insufficient_scope'
  )
  await client.send('PATCH', '/me/profile', { payload: { attributes: { plan: 'free' } } })
  t.strictSame((await client.send('GET', '/me')).json().attributes, { plan: 'pro' })
  const payload = { email: 'chosen@example.org', password: 'a good password 1234', attributes: { plan: 'pro' } }
  const registered = await app.inject({ method: 'POST', url: '/register', payload: { ...payload, mode: 'body' } })
  t.notHas(payloadOf(registered.json().access_token), { plan: 'pro' })
})

t.test('attributes are in the access token and in request.auth, and a change is in force at once', async (t) => {
  const { client } = await newPerson(app, 'body')
  const id = await userIdOf(client)
  t.notHas(payloadOf(client.accessToken), { plan: String })
  await patch(id, { plan: 'pro', tenant: { id: 7 }, note: 'not in the token' })
  expectProblem(t, await client.send('GET', '/me'), 'token_expired')
  await refresh(client)
  const payload = payloadOf(client.accessToken)
  t.match(payload, { plan: 'pro', tenant: { id: 7 }, sub: id, roles: [] })
  t.notHas(payload, { note: String })
  t.equal((await client.send('GET', '/me')).statusCode, 200)
  await patch(id, { note: 'another' })
  t.equal((await client.send('GET', '/me')).statusCode, 200, 'an attribute that is in no token')
})

t.test('the event names the attributes, also to admins, and not to the person', async (t) => {
  const { client } = await newPerson(app)
  const id = await userIdOf(client)
  await patch(id, { note: 'a secret' })
  const [event] = (await admin.send('GET', `/admin/events?user_id=${id}&type=attributes_changed`)).json().events
  t.match(event, { note: 'note', actor_id: await userIdOf(admin) })
  const own = await client.send('GET', '/me/events')
  t.match(own.json().events, [{ type: 'attributes_changed' }])
  t.notMatch(own.body, /"note"|secret/)
})

t.test('a patch whose result cannot be attributes is refused, and changes nothing', async (t) => {
  const { client } = await newPerson(app)
  const id = await userIdOf(client)
  await patch(id, { kept: true })
  const fits = maxDocumentBytes - JSON.stringify({ kept: true, a: '' }).length
  const deep = `${'{"a":'.repeat(21)}1${'}'.repeat(21)}`
  for (const [field, attributes] of [
    ['attributes', 'null'],
    ['attributes', '[]'],
    ['attributes', '"text"'],
    ['attributes', `{"a":"${'x'.repeat(fits + 1)}"}`],
    ['attributes', `{"a":"${'ü'.repeat(fits / 2 + 1)}"}`],
    ['attributes', `{"plan":"${'x'.repeat(1100)}"}`],
    ['a', '{"a":"\\u0000"}'],
    ['a', '{"a":["\\ud800"]}'],
    ['a', deep],
    ['a', '{"a":[1e400]}'],
    ['plan', '{"plan":"pro","plan":"free"}'],
    ['plan', '{"a":[{"plan":1,"\\u0070lan":2}]}'],
    ['body', '{"__proto__":{"admin":true}}'],
    ['body', '{"a":{"constructor":{"prototype":{}}}}']
  ] as const) {
    const response = await patchText(id, `{"roles":["editor"],"attributes":${attributes}}`)
    expectFieldErrors(t, response, [field])
  }
  t.match((await admin.send('GET', `/admin/users/${id}`)).json(), { attributes: { kept: true }, roles: [] })
  t.equal((await patch(id, { a: 'x'.repeat(fits) })).statusCode, 200, 'one byte less fits')
})

t.test('a server-side session gets a changed attribute at its next request', async (t) => {
  const { client } = await newPerson(app, 'session')
  const id = await userIdOf(client)
  t.strictSame((await client.send('GET', '/me')).json().attributes, {})
  await patch(id, { plan: 'pro' })
  t.strictSame((await client.send('GET', '/me')).json().attributes, { plan: 'pro' })
})
