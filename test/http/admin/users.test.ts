import t from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { allPages, openAdminService, signInAdmin, userIdOf } from '../../support/http/admin.js'
import { expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { copyOf, newPerson } from '../../support/http/people.js'
import { Client, goodPassword } from '../../support/service.js'

const nobody = '00000000-0000-4000-8000-000000000000'
const database = await openTestDatabase(t, { kind: 'embedded' })
const { app, admin } = await openAdminService(t, database)

t.test('GET /admin/users/:id shows one user', async (t) => {
  const { client, email } = await newPerson(app)
  const id = await userIdOf(client)
  const response = await admin.send('GET', `/admin/users/${id}`)
  t.equal(response.statusCode, 200)
  const { created_at: createdAt, ...user } = response.json()
  const rest = { external_id: null, roles: [], disabled: false, email_verified: false, attributes: {}, profile: {} }
  t.strictSame(user, { id, email, ...rest })
  t.equal(new Date(createdAt).toISOString(), createdAt)
})

t.test('an admin reads the profile of one user, and neither changes it nor finds it in the list', async (t) => {
  const { client, email } = await newPerson(app)
  const profile = { locale: 'de', notices: { new_device: false }, theme: { dark: true } }
  t.equal((await client.send('PATCH', '/me/profile', { payload: profile })).statusCode, 200)
  const path = `/admin/users/${await userIdOf(client)}`
  t.strictSame((await admin.send('GET', path)).json().profile, profile)
  const changed = await admin.send('PATCH', path, {
    payload: { profile: {}, externalId: 'cn=ops', external_id: 'cn=ops' }
  })
  t.notOk('profile' in changed.json())
  t.equal(changed.json().external_id, null, 'only the code of a host links accounts')
  t.strictSame((await admin.send('GET', path)).json().profile, profile)
  const [listed] = (await admin.send('GET', `/admin/users?email=${email}`)).json().users
  t.notOk('profile' in listed)
})

t.test('GET /admin/users pages through all users, newest first, each once', async (t) => {
  const people = [await newPerson(app), await newPerson(app), await newPerson(app), await newPerson(app)]
  const pages = await allPages<{ email: string }>(admin, '/admin/users?limit=2', 'users')
  const emails = pages.flat().map(({ email }) => email)
  t.strictSame(emails.slice(0, 4), people.map(({ email }) => email).reverse())
  t.ok(pages.slice(0, -1).every((page) => page.length === 2))
  t.equal(new Set(emails).size, emails.length)
  t.ok(emails.includes('ops@example.org'))
})

t.test('a page has 50 users by default', async (t) => {
  for (let i = 0; i < 50; i += 1) await newPerson(app, 'access')
  t.equal((await admin.send('GET', '/admin/users')).json().users.length, 50)
  t.ok((await admin.send('GET', '/admin/users?limit=200')).json().users.length > 50)
})

t.test('?email= finds addresses by their exact beginning, in any case', async (t) => {
  await new Client(app).signIn('Find_Me@Example.org')
  await new Client(app).signIn('findxme@example.org')
  const found = async (prefix: string) => {
    const { users } = (await admin.send('GET', `/admin/users?email=${encodeURIComponent(prefix)}`)).json()
    return users.map(({ email }: { email: string }) => email)
  }
  t.strictSame(await found('find'), ['findxme@example.org', 'Find_Me@Example.org'])
  t.strictSame(await found('FIND_me@'), ['Find_Me@Example.org'], 'an underscore is not a wildcard')
  t.strictSame(await found('find_me@example.org'), ['Find_Me@Example.org'])
  t.strictSame(await found('%'), [])
  t.strictSame(await found("' OR 1=1 --"), [])
})

for (const [query, field] of [
  ['limit=0', 'limit'],
  ['limit=201', 'limit'],
  ['limit=1.5', 'limit'],
  ['limit=2&limit=3', 'limit'],
  ['cursor=x', 'cursor'],
  ['email=', 'email'],
  ['email=%00', 'email'],
  ['email[]=ops', 'email[]'],
  ['mail=ops', 'mail']
] as const) {
  t.test(`GET /admin/users?${query} is refused and does not list everybody`, async (t) => {
    expectFieldErrors(t, await admin.send('GET', `/admin/users?${query}`), [field])
  })
}

t.test('each listing refuses the cursors of another listing', async (t) => {
  const cursor = (await admin.send('GET', '/admin/users?limit=1')).json().next_cursor
  expectFieldErrors(t, await admin.send('GET', `/admin/sessions?cursor=${cursor}`), ['cursor'])
  expectFieldErrors(t, await admin.send('GET', `/admin/events?cursor=${cursor}`), ['cursor'])
})

for (const id of [nobody, 'x', '%00', '..%2f', 'me', `${nobody}x`, nobody.toUpperCase().replaceAll('0', 'A')]) {
  t.test(`the unknown user id "${id}" answers 404 on every route`, async (t) => {
    expectProblem(t, await admin.send('GET', `/admin/users/${id}`), 'not_found')
    expectProblem(t, await admin.send('PATCH', `/admin/users/${id}`, { payload: { disabled: true } }), 'not_found')
    expectProblem(t, await admin.send('DELETE', `/admin/users/${id}`), 'not_found')
    expectProblem(t, await admin.send('GET', `/admin/users/${id}/sessions`), 'not_found')
    expectProblem(t, await admin.send('DELETE', `/admin/users/${id}/sessions`), 'not_found')
  })
}

t.test('PATCH with roles returns the user, and the next access token has the roles', async (t) => {
  const { client } = await newPerson(app)
  const id = await userIdOf(client)
  const response = await admin.send('PATCH', `/admin/users/${id}`, { payload: { roles: ['admin', 'support'] } })
  t.equal(response.statusCode, 200)
  t.match(response.json(), { id, roles: ['admin', 'support'], disabled: false })

  expectProblem(t, await client.send('GET', '/admin/users'), 'token_expired')
  t.equal((await client.send('POST', '/refresh')).statusCode, 200)
  t.equal((await client.send('GET', '/admin/users')).statusCode, 200)
  t.strictSame((await client.send('GET', '/me')).json().roles, ['admin', 'support'])
})

t.test('an admin who loses the role is refused at once and stays signed in', async (t) => {
  const { client } = await newPerson(app)
  const id = await userIdOf(client)
  await admin.send('PATCH', `/admin/users/${id}`, { payload: { roles: ['admin'] } })
  await client.send('POST', '/refresh')
  t.equal((await client.send('GET', '/admin/users')).statusCode, 200)

  await admin.send('PATCH', `/admin/users/${id}`, { payload: { roles: [] } })
  expectProblem(t, await client.send('GET', '/admin/users'), 'token_expired')
  t.equal((await client.send('POST', '/refresh')).statusCode, 200)
  expectProblem(t, await client.send('GET', '/admin/users'), 'insufficient_scope')
  t.equal((await client.send('GET', '/me')).statusCode, 200)
})

t.test('an admin in session mode also loses the role at once', async (t) => {
  const { client } = await newPerson(app, 'session')
  const id = await userIdOf(client)
  await admin.send('PATCH', `/admin/users/${id}`, { payload: { roles: ['admin'] } })
  t.equal((await client.send('GET', '/admin/users')).statusCode, 200)
  await admin.send('PATCH', `/admin/users/${id}`, { payload: { roles: [] } })
  expectProblem(t, await client.send('GET', '/admin/users'), 'insufficient_scope')
})

t.test('setting the same roles again keeps access tokens valid', async (t) => {
  const { client } = await newPerson(app)
  const id = await userIdOf(client)
  await admin.send('PATCH', `/admin/users/${id}`, { payload: { roles: [] } })
  t.equal((await client.send('GET', '/me')).statusCode, 200)
  await admin.send('PATCH', `/admin/users/${id}`, { payload: {} })
  t.equal((await client.send('GET', '/me')).statusCode, 200)
})

for (const payload of [
  { roles: 'admin' },
  { roles: ['Admin'] },
  { roles: [''] },
  { roles: ['a', 'a'] },
  { roles: [7] }
]) {
  t.test(`PATCH ${JSON.stringify(payload)} is refused and changes nothing`, async (t) => {
    const { client } = await newPerson(app)
    const response = await admin.send('PATCH', `/admin/users/${await userIdOf(client)}`, { payload })
    t.match(response.json(), { code: 'invalid_request', errors: [{ field: /^roles/ }] })
    t.strictSame((await client.send('GET', '/me')).json().roles, [])
  })
}

t.test('PATCH refuses a `disabled` that is not a boolean', async (t) => {
  const { client } = await newPerson(app)
  const response = await admin.send('PATCH', `/admin/users/${await userIdOf(client)}`, {
    payload: { disabled: 'false' }
  })
  expectFieldErrors(t, response, ['disabled'])
  t.equal((await client.send('GET', '/me')).statusCode, 200)
})

t.test('disabling a user ends every session and refuses logins until the user is enabled', async (t) => {
  const { client, email } = await newPerson(app)
  const serverSide = new Client(app)
  await serverSide.signIn(email, { path: '/login', mode: 'session' })
  const id = await userIdOf(client)

  t.match((await admin.send('PATCH', `/admin/users/${id}`, { payload: { disabled: true } })).json(), { disabled: true })
  expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  expectProblem(t, await serverSide.send('GET', '/me'), 'session_revoked')
  t.match((await client.send('POST', '/refresh')).json(), { code: 'session_ended', reason: 'user_disabled' })
  const login = { path: '/login', mode: 'body' } as const
  expectProblem(t, await new Client(app).signIn(email, login), 'invalid_credentials')

  t.match((await admin.send('PATCH', `/admin/users/${id}`, { payload: { disabled: false } })).json(), {
    disabled: false
  })
  expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  t.equal((await new Client(app).signIn(email, login)).statusCode, 200)
})

t.test('deleting a user ends every session at once and frees the address', async (t) => {
  const { client, email } = await newPerson(app)
  const id = await userIdOf(client)
  const response = await admin.send('DELETE', `/admin/users/${id}`)
  t.equal(response.statusCode, 204)
  t.equal(response.body, '')

  expectProblem(t, await client.send('GET', '/me'), 'session_revoked')
  t.match((await client.send('POST', '/refresh')).json(), { code: 'session_ended', reason: 'revoked_by_admin' })
  expectProblem(t, await admin.send('GET', `/admin/users/${id}`), 'not_found')
  expectProblem(t, await new Client(app).signIn(email, { path: '/login' }), 'invalid_credentials')

  const again = new Client(app)
  t.equal((await again.signIn(email)).statusCode, 201)
  t.not(await userIdOf(again), id)
})

t.test('admins can remove their own role', async (t) => {
  const first = await signInAdmin(app)
  const { client, email } = await newPerson(app, 'body')
  const id = await userIdOf(client)
  await first.send('PATCH', `/admin/users/${id}`, { payload: { roles: ['admin'] } })
  const second = new Client(app)
  await second.send('POST', '/login', { payload: { email, password: goodPassword, mode: 'body' } })
  const thief = copyOf(second)
  t.equal((await second.send('PATCH', `/admin/users/${id}`, { payload: { roles: [] } })).statusCode, 200)
  expectProblem(t, await thief.send('DELETE', `/admin/users/${id}`), 'token_expired')
})

t.test('the last admin can neither be demoted, disabled nor deleted, by an admin or as the own account', async (t) => {
  const own = await openTestDatabase(t, { kind: 'embedded' })
  const { app, admin } = await openAdminService(t, own)
  const { client } = await newPerson(app)
  const url = `/admin/users/${await userIdOf(admin)}`
  const expectSafe = async () => {
    expectProblem(t, await admin.send('PATCH', url, { payload: { roles: [] } }), 'last_admin')
    expectProblem(t, await admin.send('PATCH', url, { payload: { roles: ['editor'], disabled: false } }), 'last_admin')
    expectProblem(t, await admin.send('PATCH', url, { payload: { disabled: true } }), 'last_admin')
    expectProblem(t, await admin.send('DELETE', url), 'last_admin')
    expectProblem(t, await admin.send('DELETE', '/me', { payload: { password: goodPassword } }), 'last_admin')
    t.match((await admin.send('GET', url)).json(), { roles: ['admin'], disabled: false })
  }
  await expectSafe()
  const other = `/admin/users/${await userIdOf(client)}`
  await admin.send('PATCH', other, { payload: { roles: ['admin'], disabled: true } })
  await expectSafe()
  await admin.send('PATCH', other, { payload: { disabled: false } })
  t.equal((await admin.send('DELETE', '/me', { payload: { password: goodPassword } })).statusCode, 204)
})
