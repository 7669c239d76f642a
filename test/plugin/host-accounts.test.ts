import { randomUUID } from 'node:crypto'
import cookie from '@fastify/cookie'
import t from 'tap'
import { adminRole } from '../../src/core/vocabulary.js'
import type { HostLogin } from '../../src/http/host/checked-login.js'
import { httpPlugin } from '../../src/http/plugin.js'
import { age, openTestDatabase, sql } from '../support/database.js'
import { newHost, openPluginOptions } from '../support/host.js'
import { expectProblem } from '../support/http/contract-errors.js'
import { newEmail } from '../support/http/people.js'
import { openMailServer } from '../support/mail/mail-server.js'
import { Client, goodPassword } from '../support/service.js'

/** The accounts of people whom a host signs in, often without an address: what can go wrong with them. */

const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)
const { MAIL_URL: mailUrl, MAIL_FROM: mailFrom } = mailServer.settings
const { ports, settings } = await openPluginOptions(t, database, { rateLimitEnabled: false, mailUrl, mailFrom })

const app = newHost(t)
await app.register(cookie)
await app.register(httpPlugin, { ports, settings, prefix: '/auth' })
app.post<{ Body: HostLogin }>('/enter', async ({ body }, reply) => app.latchkey.startSession(reply, body))

const enter = (client: Client, login: object) =>
  client.send('POST', '/enter', { payload: { amr: ['pwd'], mode: 'session', ...login } })
const post = (client: Client, path: string, payload: object = {}) => client.send('POST', `/auth${path}`, { payload })
const meOf = async (client: Client) => (await client.send('GET', '/auth/me')).json()

/** A person whom the host has signed in, without an address. */
async function newArrival(login: object = {}) {
  const [client, externalId] = [new Client(app), randomUUID()]
  t.equal((await enter(client, { externalId, ...login })).statusCode, 200)
  return { client, externalId, id: (await ports.users.findByExternalId(externalId))?.id ?? '' }
}

t.test('an address that the host does not vouch for stays free for its owner', async (t) => {
  for (const vouching of [{}, { emailVerified: false }]) {
    const email = newEmail()
    const stranger = await newArrival({ email, ...vouching })
    t.match(await meOf(stranger.client), { email: null, email_verified: false })

    await post(new Client(app), '/password/forgot', { email })
    const owner = new Client(app)
    t.equal((await post(owner, '/register', { email, password: goodPassword })).statusCode, 201)
    t.not((await meOf(owner)).id, stranger.id)
    await enter(stranger.client, { externalId: stranger.externalId, email })
    t.match(await meOf(stranger.client), { id: stranger.id, email: null })
    t.notOk(mailServer.received.some(({ to }) => to === email))
  }
})

t.test('a text that is no address keeps nobody out, unless the host vouches for it', async (t) => {
  for (const email of ['n/a', '', 'x'.repeat(1000)]) {
    const { client } = await newArrival({ email })
    t.match(await meOf(client), { email: null })
  }
})

t.test('a login that is refused because of its address succeeds without the address', async (t) => {
  const taken = newEmail()
  await post(new Client(app), '/register', { email: taken, password: goodPassword })
  for (const [email, code] of [
    [taken, 'email_taken'],
    ['n/a', 'invalid_request']
  ] as const) {
    const login = { externalId: randomUUID(), email, emailVerified: true }
    const client = new Client(app)
    t.match((await enter(client, login)).json(), { code })
    t.equal((await enter(client, { ...login, email: undefined })).statusCode, 200)
    t.match(await meOf(client), { email: null })
  }
})

t.test('a mail about the first address of an account never names that address as its present one', async (t) => {
  for (const [locale, sentence] of [
    ['en', 'An account that has no address yet'],
    ['de', 'Ein Konto, das noch keine E-Mail-Adresse hat']
  ] as const) {
    const [{ client }, email] = [await newArrival(), newEmail()]
    await client.send('PATCH', '/auth/me/profile', { payload: { locale } })
    t.equal((await post(client, '/email', { new_email: email })).statusCode, 202)
    const { content } = await mailServer.mailTo(email)
    const text = content.slice(content.indexOf('\r\n\r\n')).replaceAll('\u200B', '').replace(/\s+/g, ' ')
    t.match(text, sentence)
    t.notMatch(text, email)
    t.notMatch(text, `${email[0]}…`)
  }
})

t.test('a password by a mail does not hide that the host signs somebody in: GET /me says so', async (t) => {
  const [{ client, externalId }, email] = [await newArrival(), newEmail()]
  await post(client, '/email', { new_email: email })
  await post(new Client(app), '/email/confirm', { token: (await mailServer.mailTo(email)).token })
  t.match(await meOf(client), { email, email_verified: true, external: true })

  const reader = new Client(app)
  await post(reader, '/password/forgot', { email })
  const { token } = await mailServer.mailTo(email, 1)
  t.equal((await post(reader, '/password/reset', { token, new_password: goodPassword })).statusCode, 204)
  t.equal((await post(reader, '/login', { email, password: goodPassword, mode: 'session' })).statusCode, 200)
  t.match(await meOf(reader), { email, has_password: true, external: true })
  t.equal((await enter(client, { externalId })).statusCode, 200)
})

t.test('an account without an address gets no password, so its owner can go on without one', async (t) => {
  const { client } = await newArrival()
  const refused = await post(client, '/password', { new_password: goodPassword })
  const detail = 'The account has no e-mail address. Add one before you set a password: people sign in with both.'
  expectProblem(t, refused, 'invalid_request', { detail })
  t.match(await meOf(client), { has_password: false })
  t.equal((await client.send('DELETE', '/auth/me', { payload: {} })).statusCode, 204)
})

t.test('an account without an address is refused a mail that confirms the address', async (t) => {
  const { client } = await newArrival()
  const refused = await post(client, '/email/verification')
  const detail = 'The account has no e-mail address. Add one: that also confirms it.'
  expectProblem(t, refused, 'invalid_request', { detail })
})

t.test('a person without a password learns that only the login of the app makes the session recent', async (t) => {
  const { client, externalId } = await newArrival()
  await age(database, client.sessionId, 3600)
  const refused = await post(client, '/reauthenticate', { password: goodPassword })
  const detail =
    'The account has no password. The app that has signed the person in must do so again, through its own login.'
  expectProblem(t, refused, 'invalid_credentials', { detail })
  expectProblem(t, await client.send('DELETE', '/auth/me', { payload: {} }), 'insufficient_user_authentication')
  await enter(client, { externalId })
  t.equal((await client.send('DELETE', '/auth/me', { payload: {} })).statusCode, 204)
})

t.test('an admin can remove the password of an account without an address', async (t) => {
  const { client: admin } = await newArrival({ roles: [adminRole] })
  const { client, externalId, id } = await newArrival()
  const hash = await ports.passwords.hash(goodPassword, { network: 'host', knownDevice: true })
  await sql(database, `UPDATE "user" SET password_hash = $2 WHERE id = $1::uuid`, id, hash)

  const url = `/admin/users/${id}/password-reset`
  const refused = await post(admin, url, { deliver: 'link' })
  const noLink = 'The account has no e-mail address. It can have no link for a password.'
  expectProblem(t, refused, 'invalid_request', { detail: noLink })
  t.match(await meOf(client), { has_password: true }, 'without end_sessions nothing has changed')

  const ended = await post(admin, url, { deliver: 'link', end_sessions: true })
  const detail =
    'The account has no e-mail address. Its sessions have ended and its password is removed, but it can have no link for a password.'
  expectProblem(t, ended, 'invalid_request', { detail })
  t.match(await meOf(client), { code: 'session_revoked' })
  await enter(client, { externalId })
  t.match(await meOf(client), { has_password: false })
  t.equal((await client.send('DELETE', '/auth/me', { payload: {} })).statusCode, 204)
})
