import t, { type Test } from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import { age, openTestDatabase, sql, testDatabases } from '../../support/database.js'
import { adminEmail, openAdminService, userIdOf } from '../../support/http/admin.js'
import { anotherDevice, copyOf, newPerson, refreshCookie } from '../../support/http/people.js'
import { postForm, serviceSettings } from '../../support/http/services.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { Client, goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)
const { app, admin } = await openAdminService(t, database, { ...serviceSettings, ...mailServer.settings })

/** The kinds of the mails to this address, the first one first. */
async function kindsTo(email: string, of = database): Promise<string[]> {
  const rows = await sql<{ kind: string }>(of, 'SELECT kind FROM mail WHERE recipient = $1 ORDER BY created_at', email)
  return rows.map(({ kind }) => kind)
}

const newPassword = 'another good password 27'
const changePassword = (client: Client, from = goodPassword, to = newPassword) =>
  client.send('POST', '/password', {
    headers: { 'user-agent': 'Firefox' },
    payload: { current_password: from, new_password: to }
  })

/** Refreshes twice, after which the first token is old, and returns a client that holds it. */
async function withOldToken(client: Client, of: Database): Promise<Client> {
  const thief = copyOf(client)
  for (let turn = 0; turn < 2; turn += 1) {
    await client.send('POST', '/refresh')
    await age(of, client.sessionId, 20)
  }
  return thief
}

t.test('a login on a new device sends a notice in every mode, and a login on a known one does not', async (t) => {
  for (const mode of ['cookie', 'body', 'session', 'access'] as const) {
    const { client, email } = await newPerson(app, mode)
    t.same(await kindsTo(email), [], 'a registration sends no notice')
    const known = mode === 'body' ? { device_token: client.deviceToken } : {}
    const payload = { email, password: goodPassword, mode, ...known }
    t.equal((await client.send('POST', '/login', { bearer: false, payload })).statusCode, 200)
    t.same(await kindsTo(email), [], `${mode}: the device is known`)

    const stranger = new Client(app, '192.0.2.66')
    const headers = { 'user-agent': 'Stranger <b>1.0</b>' }
    const login = { email, password: goodPassword, mode, device: 'Kiosk' }
    t.equal((await stranger.send('POST', '/login', { payload: login, headers })).statusCode, 200)
    t.same(await kindsTo(email), ['new_device'], mode)
    const { subject, content } = await mailServer.mailTo(email)
    t.equal(subject, 'A new device signed in')
    for (const part of ['Kiosk', '192.0.2.66', 'Stranger']) t.match(content, part)
    t.notMatch(content, '<b>1')

    const others = await newPerson(app, mode)
    const foreign = { ...login, ...(mode === 'body' && { device_token: others.client.deviceToken }) }
    await others.client.send('POST', '/login', { bearer: false, payload: foreign })
    t.same(await kindsTo(email), ['new_device', 'new_device'], `${mode}: a device token of another person`)
  }
})

t.test('a client that keeps no device token sends three notices, and its logins go on', async (t) => {
  const { email } = await newPerson(app)
  for (let login = 0; login < 5; login += 1) await anotherDevice(app, { email }, 'body')
  t.same(await kindsTo(email), Array(3).fill('new_device'))
})

t.test('a wrong password sends no notice', async (t) => {
  const { email } = await newPerson(app)
  await app.inject({ method: 'POST', url: '/login', payload: { email, password: 'a wrong password' } })
  t.same(await kindsTo(email), [])
})

t.test('a changed password sends a notice in the language of the owner, and a refused change does not', async (t) => {
  const { client, email } = await newPerson(app)
  await sql(database, `UPDATE "user" SET locale = 'de-AT' WHERE email = $1 RETURNING 1 AS changed`, email)
  t.equal((await changePassword(client, 'a wrong password')).statusCode, 401)
  t.equal((await changePassword(client, goodPassword, 'short')).statusCode, 400)
  t.same(await kindsTo(email), [])

  t.equal((await changePassword(client)).statusCode, 200)
  t.match(await sql(database, 'SELECT kind, locale, parameters FROM mail WHERE recipient = $1', email), [
    {
      kind: 'password_changed',
      locale: 'de-AT',
      parameters: { ip: '127.0.0.1', user_agent: 'Firefox' }
    }
  ])
  t.ok(await mailServer.mailTo(email))
})

t.test('an account that an admin disables gets a notice, without the address of the admin', async (t) => {
  const { client, email } = await newPerson(app)
  const url = `/admin/users/${await userIdOf(client)}`
  const patch = (payload: object) => admin.send('PATCH', url, { payload, headers: { 'user-agent': 'Admin browser' } })
  await patch({ roles: ['reader'] })
  await patch({ disabled: false })
  t.same(await kindsTo(email), [])
  for (let turn = 0; turn < 2; turn += 1) t.equal((await patch({ disabled: true })).statusCode, 200)
  t.same(await kindsTo(email), ['account_disabled'])
  const { subject, content } = await mailServer.mailTo(email)
  t.equal(subject, 'Your account was disabled')
  t.notMatch(content, /127\.0\.0\.1|Admin browser/)
})

t.test('the first login of the account of ADMIN_EMAIL sends no notice', async (t) => {
  t.same(await kindsTo(adminEmail), [], 'of ADMIN_EMAIL, who has signed in')
  await anotherDevice(app, { email: adminEmail })
  t.same(await kindsTo(adminEmail), ['new_device'])
})

t.test('the owner gets a notice of a caught theft, with the address of the thief', async (t) => {
  const { client, email } = await newPerson(app, 'cookie', 'My phone')
  const thief = await withOldToken(client, database)
  const from = new Client(app, '198.51.100.7')
  for (const [name, value] of thief.cookies) from.cookies.set(name, value)
  const refused = await from.send('POST', '/refresh', { headers: { 'user-agent': 'Thief' } })
  t.match(refused.json(), { code: 'session_ended', reason: 'reuse_detected' })
  t.same(await kindsTo(email), ['theft_detected'])
  const { content } = await mailServer.mailTo(email)
  for (const part of ['My phone', '198.51.100.7', 'Thief']) t.match(content, part)

  await from.send('POST', '/refresh')
  await client.send('POST', '/refresh')
  await client.send('POST', '/logout')
  t.same(await kindsTo(email), ['theft_detected'], 'once')
})

t.test('introspecting an old token changes nothing and sends no notice', async (t) => {
  const { client, email } = await newPerson(app)
  const thief = await withOldToken(client, database)
  const answer = await postForm(app, '/introspect', { token: thief.cookies.get(refreshCookie) ?? '' })
  t.strictSame(answer.json(), { active: false })
  t.same(await kindsTo(email), [])
})

for (const kind of testDatabases(t)) {
  t.test(`one old token at once at two instances sends one notice, on ${kind}`, async (t) => {
    const shared = await openTestDatabase(t, { kind, embedded: { waitSeconds: 30 }, server: { waitSeconds: 30 } })
    const instances = [
      await openService(t, shared, mailServer.settings),
      await openService(t, shared, mailServer.settings)
    ]
    await raceForTheft(t, shared, instances)
  })
}

async function raceForTheft(t: Test, shared: Database, instances: readonly Client['app'][]): Promise<void> {
  const [first] = instances
  if (first === undefined) throw new Error('There is no instance.')
  for (let round = 0; round < 5; round += 1) {
    const { client, email } = await newPerson(first)
    const thief = await withOldToken(client, shared)
    const cookie = [...thief.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const uses = Array.from({ length: 6 }, (_, i) =>
      (instances[i % 2] ?? first).inject({
        method: 'POST',
        url: i < 4 ? '/refresh' : '/logout',
        headers: { cookie },
        payload: {}
      })
    )
    t.ok((await Promise.all(uses)).some((response) => response.body.includes('reuse_detected')))
    t.same(await kindsTo(email, shared), ['theft_detected'])
  }
}

t.test('without mail, every change happens without a notice', async (t) => {
  const silent = await openTestDatabase(t, { kind: 'embedded' })
  const { app, admin } = await openAdminService(t, silent, { HOST: '0.0.0.0' })
  const { client, email } = await newPerson(app)
  await anotherDevice(app, { email })
  t.equal((await changePassword(client)).statusCode, 200)
  await age(silent, client.sessionId, 20)
  const thief = await withOldToken(client, silent)
  t.match((await thief.send('POST', '/refresh')).json(), { reason: 'reuse_detected' })
  const login = { email, password: newPassword }
  const again = new Client(app)
  await again.send('POST', '/login', { payload: login })
  const id = await userIdOf(again)
  t.match((await admin.send('PATCH', `/admin/users/${id}`, { payload: { disabled: true } })).json(), { disabled: true })
  t.same(await sql(silent, 'SELECT kind FROM mail'), [])
})

t.test('a mail server that hangs delays nothing', async (t) => {
  const { client, email } = await newPerson(app)
  mailServer.behaviour = 'hangs'
  t.teardown(() => {
    mailServer.behaviour = 'accepts'
  })
  const began = performance.now()
  t.equal((await changePassword(client)).statusCode, 200)
  await app.inject({ method: 'POST', url: '/login', payload: { email, password: newPassword } })
  t.ok(performance.now() - began < 5000)
  t.same(await kindsTo(email), ['password_changed', 'new_device'])
})
