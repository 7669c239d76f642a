import t from 'tap'
import { buildApp } from '../../../src/app.js'
import { ConfigError, type Environment, loadConfig } from '../../../src/config/read-config.js'
import { age, openTestDatabase, sql } from '../../support/database.js'
import { expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { keptLog } from '../../support/http/log-lines.js'
import { newEmail, newPerson } from '../../support/http/people.js'
import { Client, goodPassword, openService, testEnvironment } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
/** The service before its operator turned passwords off. */
const before = await openService(t, database)
const app = await openService(t, database, {
  PASSWORD_LOGIN: 'off',
  MAIL_URL: 'smtp://127.0.0.1:1',
  MAIL_FROM: 'a@b.test'
})

/** A person who signed in by password before, and goes on. */
async function olderPerson({ isAdmin = false } = {}) {
  const { client: older, email } = await newPerson(before)
  if (isAdmin) {
    await sql(database, `UPDATE "user" SET roles = '{admin}' WHERE email = $1`, email)
    await older.signIn(email, { path: '/login' })
  }
  const client = new Client(app)
  for (const [name, value] of older.cookies) client.cookies.set(name, value)
  Object.assign(client, { accessToken: older.accessToken, sessionId: older.sessionId })
  return { client, email }
}

t.test(
  'with PASSWORD_LOGIN=off every route of a password answers 404, also to a person who is signed in',
  async (t) => {
    const { client, email } = await olderPerson()
    const bodies = {
      '/register': { email: newEmail(), password: goodPassword },
      '/login': { email, password: goodPassword },
      '/password': { current_password: goodPassword, new_password: 'another good password' },
      '/password/forgot': { email },
      '/password/reset': { token: 'lk_ot_x', new_password: 'another good password' },
      '/reauthenticate': { password: goodPassword }
    }
    const { paths } = (await app.inject('/openapi.json')).json()
    for (const [path, payload] of Object.entries(bodies)) {
      expectProblem(t, await client.send('POST', path, { payload }), 'not_found')
      t.notOk(path in paths, path)
    }
    t.equal((await app.inject('/.well-known/change-password')).statusCode, 404)
    t.match((await app.inject('/features')).json(), { password_login: false, registration: 'closed' })
    t.equal((await client.send('POST', '/refresh')).statusCode, 200, 'sessions go on')
  }
)

t.test('with PASSWORD_LOGIN=off a change asks for a recent login in place of the password', async (t) => {
  const { client } = await olderPerson()
  t.match((await client.send('GET', '/me')).json(), { has_password: false })
  await age(database, client.sessionId, 901)
  await client.send('POST', '/refresh')
  const payload = { password: goodPassword }
  expectProblem(t, await client.send('DELETE', '/me', { payload }), 'insufficient_user_authentication')
  const { client: recent } = await olderPerson()
  t.equal((await recent.send('DELETE', '/me', { payload: {} })).statusCode, 204)
})

t.test('with PASSWORD_LOGIN=off an admin makes accounts, and no link for a password', async (t) => {
  const { client } = await olderPerson({ isAdmin: true })
  const email = newEmail()
  const off = { detail: 'Nobody signs in with a password here: PASSWORD_LOGIN is off.' }
  for (const invite of ['link', 'mail']) {
    const refused = await client.send('POST', '/admin/users', { payload: { email, invite } })
    expectFieldErrors(t, refused, ['invite'])
    t.match(refused.json().errors[0].message, /PASSWORD_LOGIN is off.*link.*asks for a password/)
  }
  const created = await client.send('POST', '/admin/users', { payload: { email } })
  t.equal(created.statusCode, 201)
  const path = `/admin/users/${created.json().user.id}/password-reset`
  expectProblem(t, await client.send('POST', path, { payload: { deliver: 'link' } }), 'not_found', off)
  t.strictSame(await sql(database, 'SELECT 1 FROM one_time_link'), [])
})

t.test('a stand-alone service with PASSWORD_LOGIN=off warns at its start that nobody can sign in', async (t) => {
  const warningsWith = async (settings: Environment) => {
    const { logger, lines } = keptLog('warn')
    const config = loadConfig({ ...testEnvironment, ...settings })
    await (await buildApp(config, { database, logger })).close()
    return lines().map(({ msg }) => msg)
  }
  t.match(await warningsWith({ PASSWORD_LOGIN: 'off' }), [/PASSWORD_LOGIN is off.*nobody can.*startSession/])
  t.strictSame(await warningsWith({}), [])
})

t.test('ADMIN_PASSWORD with PASSWORD_LOGIN=off is a mistake of the settings', async (t) => {
  const admin = { ADMIN_EMAIL: 'ops@example.com', ADMIN_PASSWORD: goodPassword, PASSWORD_LOGIN: 'off' }
  const load = () => loadConfig({ ...testEnvironment, ...admin })
  t.throws(load, ConfigError)
  t.throws(load, /ADMIN_PASSWORD has no use with PASSWORD_LOGIN=off/)
})
